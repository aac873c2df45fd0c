/// What a process has mapped, by `/proc/PID/maps`.
struct ProcessMaps: Hashable, Sendable {
  struct Mapping: Hashable, Sendable {
    var start: UInt64
    /// Exclusive.
    var end: UInt64
    var isReadable: Bool
    var isWritable: Bool
    var isShared: Bool
    /// Where in the file it begins.
    var offset: UInt64
    /// The file; nil where it is anonymous.
    var file: FileIdentity?
    var path: String

    var length: UInt64 { end - start }
  }

  /// Ascending and disjoint.
  let mappings: [Mapping]

  /// Reads the text of the file; lines of another form are left out.
  init(text: String) {
    mappings = text.split(separator: "\n").compactMap(Self.mapping)
  }

  /// Nil, with the reason in `errno`, where the system does not tell.
  init?(process: Int32) {
    guard let text = SystemFiles.text("/proc/\(process)/maps") else { return nil }
    self.init(text: text)
  }

  /// `7fc737fff000-7fc747fff000 rw-s 00000000 fe:00 16433321    /path of the file`
  private static func mapping(_ line: Substring) -> Mapping? {
    let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard words.count >= 5 else { return nil }
    let bounds = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
    let device = words[3].split(separator: ":").compactMap { UInt64($0, radix: 16) }
    guard bounds.count == 2, bounds[0] < bounds[1], device.count == 2, words[1].utf8.count >= 4,
      let offset = UInt64(words[2], radix: 16), let inode = UInt64(words[4])
    else { return nil }
    return Mapping(
      start: bounds[0], end: bounds[1], isReadable: words[1].hasPrefix("r"),
      isWritable: words[1].dropFirst().hasPrefix("w"), isShared: words[1].hasSuffix("s"), offset: offset,
      file: inode == 0 ? nil : FileIdentity(major: device[0], minor: device[1], inode: inode),
      path: words.count > 5 ? String(words[5].drop { $0 == " " }) : "")
  }

  /// The mappings that hold `length` bytes at `start`, ascending; nil where one is missing or cannot be read.
  func covering(_ start: UInt64, _ length: UInt64) -> [Mapping]? {
    let (end, overflow) = start.addingReportingOverflow(length)
    guard !overflow, length > 0 else { return nil }
    var found: [Mapping] = []
    var reached = start
    for mapping in mappings where mapping.end > start && mapping.start < end {
      guard mapping.start <= reached, mapping.isReadable else { return nil }
      found.append(mapping)
      reached = mapping.end
    }
    return reached >= end ? found : nil
  }
}
