import PageTables

/// The notes of our own in a capture: an ELF core that any other tool opens as well.
enum CaptureNote {
  static let name: StaticString = "PAGEWALK"
  /// The address spaces, one a line.
  static let spaces: UInt32 = 1
  /// Lines "physical START END" and "dumped START END", hexadecimal, of the dump that the capture was made
  /// from.
  static let extent: UInt32 = 2
  /// The named regions of the spaces, one a line.
  static let regions: UInt32 = 3

  /// What the notes say; nil when there are none, and the core is no capture.
  static func contents(
    of notes: [ElfNote], readable: PhysicalRanges
  ) -> (capture: CaptureContents, extent: MemoryExtent, warnings: [String])? {
    guard !notes.isEmpty else { return nil }
    var contents = CaptureContents(spaceLines: [])
    var physical: [PhysicalRange] = []
    var dumped: [PhysicalRange] = []
    var badLines = 0
    for note in notes {
      let lines = note.descriptor.split { $0 == UInt8(ascii: "\n") || $0 == 0 }
        .map { String(decoding: $0, as: UTF8.self) }
      switch note.type {
      case spaces: contents.spaceLines += lines
      case regions: contents.regionLines += lines
      case extent:
        for line in lines {
          switch parse(line) {
          case ("physical", let range)?: physical.append(range)
          case ("dumped", let range)?: dumped.append(range)
          default: badLines += 1
          }
        }
      default: break
      }
    }
    let dumpedRanges = PhysicalRanges(dumped + readable.ranges)
    let physicalRanges = PhysicalRanges(physical + dumpedRanges.ranges)
    let warnings = badLines == 0 ? [] : ["\(badLines) lines of the capture's extent are malformed; left out"]
    return (
      contents, MemoryExtent(readable: readable, physical: physicalRanges, dumped: dumpedRanges), warnings
    )
  }

  private static func parse(_ line: String) -> (kind: String, range: PhysicalRange)? {
    let words = line.split(separator: " ")
    guard words.count == 3, let start = UInt64(words[1], radix: 16), let end = UInt64(words[2], radix: 16),
      start < end
    else { return nil }
    return (String(words[0]), PhysicalRange(PhysicalAddress(start), PhysicalAddress(end)))
  }

  /// The descriptor of the extent note.
  static func extentText(_ extent: MemoryExtent) -> String {
    func lines(_ kind: String, _ ranges: PhysicalRanges) -> String {
      ranges.ranges.map { range in
        "\(kind) \(String(range.start.value, radix: 16)) \(String(range.end.value, radix: 16))\n"
      }.joined()
    }
    return lines("physical", extent.physical) + lines("dumped", extent.dumped)
  }
}
