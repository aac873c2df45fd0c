import PageTables

/// Our own notes in a capture, which is otherwise an ELF core that any other tool can open.
enum CaptureNote {
  static let name: StaticString = "PAGEWALK"
  /// The address spaces, one per line.
  static let spaces: UInt32 = 1
  /// The extent of the dump that the capture was made from: lines "physical START END" and "dumped START END",
  /// hexadecimal.
  static let extent: UInt32 = 2
  /// The named regions of the spaces, one per line.
  static let regions: UInt32 = 3

  /// The most lines accepted of one kind, and the most bytes in a line: more than any guest needs.
  private static let lineLimit = 1 << 20
  private static let lineLength = 1 << 20

  /// The contents of the notes; nil if there are none, in which case the core is not a capture.
  static func contents(
    of notes: [ElfNote], readable: PhysicalRanges
  ) -> (capture: CaptureContents, extent: MemoryExtent, warnings: [String])? {
    guard !notes.isEmpty else { return nil }
    var contents = CaptureContents(spaceLines: [])
    var physical: [PhysicalRange] = []
    var dumped: [PhysicalRange] = []
    var badLines = 0
    for note in notes {
      switch note.type {
      case spaces: add(note, to: &contents.spaceLines)
      case regions: add(note, to: &contents.regionLines)
      case extent:
        var lines: [String] = []
        add(note, to: &lines)
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

  /// Adds the lines of a note, within the limits: a hostile note may have a line per byte, or one huge line.
  private static func add(_ note: ElfNote, to lines: inout [String]) {
    let room = max(0, lineLimit - lines.count)
    let more = note.descriptor.split(maxSplits: room) { $0 == UInt8(ascii: "\n") || $0 == 0 }.prefix(room)
    lines += more.lazy.filter { $0.count <= lineLength }.map { String(decoding: $0, as: UTF8.self) }
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
