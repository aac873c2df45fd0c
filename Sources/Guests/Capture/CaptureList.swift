import PageTables

/// The list of spaces in a capture, one line of tab-separated fields per space: name, pid or `-`, root, scheme, how
/// the space was found, root of the pair's other copy or `-`, flags; if a guest provided the name, also the origin
/// of the name, and for each process its pid, a blank and its name.
package struct CaptureList: Sendable {
  package private(set) var lines: [String]
  /// The most lines accepted; no machine runs more processes.
  private static let limit = 1 << 16

  /// Lines that describe no space, or that exceed a limit far above any real machine.
  package private(set) var unreadableLines = 0
  /// Lines after the last one that is read.
  var linesLeftOut: Int { max(0, lines.count - CaptureList.limit) }

  package init(lines: [String]) {
    self.lines = lines
  }

  /// The lines for these spaces.
  package init(_ spaces: [FoundSpace]) {
    lines = spaces.map { found in
      var pair = "-"
      var flags: [String] = []
      switch found.isolation {
      case .none: break
      case .kernelCopy(let user):
        pair = AddressText.hex(user.value)
        flags.append("kernel-copy")
      case .userCopy(let kernel):
        pair = AddressText.hex(kernel.value)
        flags.append("user-copy")
      }
      if found.isPossiblyStale { flags.append("stale") }
      if found.isUnowned { flags.append("unowned") }
      if let bit = found.space.scheme.encryptionBit { flags.append("c-bit=\(bit)") }
      var fields = [
        CaptureList.text(found.space.name), found.pid.map(String.init) ?? "-",
        AddressText.hex(found.space.root.value),
        found.space.scheme.name,
        found.foundBy, pair,
        flags.joined(separator: ","),
      ]
      if let origin = found.namedBy {
        fields.append(origin.rawValue)
        fields += found.processes.map { "\($0.pid) \(CaptureList.text($0.name))" }
      }
      return fields.joined(separator: "\t")
    }
  }

  /// A name without the characters that separate fields and lines.
  static func text(_ name: String) -> String {
    String(name.map { $0 == "\t" || $0 == "\0" || $0.isNewline ? " " : $0 })
  }

  /// The spaces that the lines describe; other lines are counted and skipped.
  package mutating func spaces(features: ProcessorFeatures) -> [FoundSpace] {
    var result: [FoundSpace] = []
    unreadableLines = 0
    // Each scheme is created once; all spaces that it reads share it.
    var features = features
    features.encryptionBit = features.encryptionBit ?? encryptionBit
    let schemes = PagingSchemes.all(features)
    var seen: Set<String> = []
    // A repeated line describes no further space.
    for line in lines.prefix(CaptureList.limit) where !seen.contains(line) {
      guard let found = space(line, schemes) else {
        unreadableLines += 1
        continue
      }
      seen.insert(line)
      result.append(found)
    }
    return result
  }

  /// The bit that marks encrypted memory, from the first line that names one.
  private var encryptionBit: Int? {
    let flag = "c-bit="
    for line in lines.prefix(CaptureList.limit) {
      let fields = line.split(separator: "\t", maxSplits: 7, omittingEmptySubsequences: false)
      guard fields.count >= 7 else { continue }
      for word in fields[6].split(separator: ",") where word.hasPrefix(flag) {
        if let bit = Int(word.dropFirst(flag.count)), ProcessorFeatures.encryptionBits.contains(bit) {
          return bit
        }
      }
    }
    return nil
  }

  private func space(_ line: String, _ schemes: [PagingScheme]) -> FoundSpace? {
    // By bytes: a letter with endless combining marks is a single character.
    let fields = line.utf8.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    guard fields.count >= 7, let root = address(fields[2]),
      let scheme = schemes.first(where: { $0.name == fields[3] }) ?? PagingSchemes.named(fields[3]),
      root.value % scheme.rootAlignment == 0
    else { return nil }
    let name = fields[0].cut(toBytes: NameLimit.space)
    let pid = Int(fields[1])
    let origin = fields[4].cut(toBytes: NameLimit.origin)
    var found = FoundSpace(
      space: AddressSpace(name: name, root: root, scheme: scheme),
      role: FoundSpace.Role(ofListed: name, pid: pid), pid: pid,
      origin: .capture(origin, isOnCPU: origin.hasPrefix("cpu ")))
    let flags = fields[6].split(separator: ",")
    found.isPossiblyStale = flags.contains("stale")
    if flags.contains("unowned"), pid == nil { found.role = .unowned }
    if let pair = address(fields[5]) {
      if flags.contains("kernel-copy") { found.isolation = .kernelCopy(userRoot: pair) }
      if flags.contains("user-copy") { found.isolation = .userCopy(kernelRoot: pair) }
    }
    if fields.count > 7, let origin = FoundSpace.NameOrigin(rawValue: fields[7]) {
      found.namedBy = origin
      found.processes = fields[8...].compactMap(process)
    }
    return found
  }

  private func process(_ field: String) -> SpaceProcess? {
    guard let blank = field.firstIndex(of: " "), let pid = Int(field[..<blank]) else { return nil }
    return SpaceProcess(
      pid: pid, name: field[field.index(after: blank)...].cut(toBytes: NameLimit.space))
  }

  private func address(_ text: String) -> PhysicalAddress? {
    guard text.hasPrefix("0x") else { return nil }
    return UInt64(text.dropFirst(2), radix: 16).map { PhysicalAddress($0) }
  }
}
