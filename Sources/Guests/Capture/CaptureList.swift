import PageTables

/// The list of spaces in a capture, one line of tab-separated fields per space: name, pid or `-`, root, scheme, how
/// the space was found, root of the pair's other copy or `-`, flags; if a guest provided the name, also the origin
/// of the name, and for each process its pid, a blank and its name.
///
/// Root and scheme are those of the lowest window. The flags tell where it begins, unless at 0 (`first=VA`), and of
/// every other window its root, scheme and first address (`window=PA:SCHEME:VA`).
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
      flags += CaptureList.windowFlags(found.space)
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

  private static func windowFlags(_ space: AddressSpace) -> [String] {
    let start = space.windows[0].first.value
    return (start == 0 ? [] : [firstFlag + AddressText.hex(start)])
      + space.windows.dropFirst().map {
        windowFlag + "\(AddressText.hex($0.root.value)):\($0.scheme.name):\(AddressText.hex($0.first.value))"
      }
  }

  private static let firstFlag = "first="
  private static let windowFlag = "window="

  /// A name without the characters that separate fields and lines.
  static func text(_ name: String) -> String {
    String(name.map { $0 == "\t" || $0 == "\0" || $0.isNewline ? " " : $0 })
  }

  /// The spaces that the lines describe; other lines are counted and skipped.
  package mutating func spaces(features: ProcessorFeatures) -> [FoundSpace] {
    var result: [FoundSpace] = []
    unreadableLines = 0
    var schemes = ListedSchemes(features)
    schemes.features.encryptionBit = features.encryptionBit ?? encryptionBit
    var seen: Set<String> = []
    // A repeated line describes no further space.
    for line in lines.prefix(CaptureList.limit) where !seen.contains(line) {
      guard let found = space(line, &schemes) else {
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

  private func space(_ line: String, _ schemes: inout ListedSchemes) -> FoundSpace? {
    // By bytes: a letter with endless combining marks is a single character.
    let fields = line.utf8.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    guard fields.count >= 7 else { return nil }
    let flags = fields[6].split(separator: ",")
    guard let windows = windows(fields, flags, &schemes) else { return nil }
    let name = fields[0].cut(toBytes: NameLimit.space)
    let pid = Int(fields[1])
    let origin = fields[4].cut(toBytes: NameLimit.origin)
    var found = FoundSpace(
      space: AddressSpace(name: name, windows: windows),
      role: FoundSpace.Role(ofListed: name, pid: pid), pid: pid,
      origin: .capture(origin, isOnCPU: origin.hasPrefix("cpu ")))
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

  /// The windows of a line, lowest first; nil where it describes none, or such as no space has: a scheme tells where
  /// its windows may begin.
  private func windows(
    _ fields: [String], _ flags: [Substring], _ schemes: inout ListedSchemes
  ) -> [AddressWindow]? {
    let start = flags.first { $0.hasPrefix(CaptureList.firstFlag) }
      .map { String($0.dropFirst(CaptureList.firstFlag.count)) }
    guard let lowest = window(fields[2], fields[3], start ?? "0x0", &schemes) else { return nil }
    var windows = [lowest]
    for flag in flags where flag.hasPrefix(CaptureList.windowFlag) {
      let parts = flag.dropFirst(CaptureList.windowFlag.count)
        .split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3, let window = window(parts[0], parts[1], parts[2], &schemes),
        window.first > windows[windows.count - 1].last
      else { return nil }
      windows.append(window)
    }
    return windows
  }

  private func window(
    _ root: String, _ scheme: String, _ first: String, _ schemes: inout ListedSchemes
  ) -> AddressWindow? {
    guard let root = address(root), let first = address(first).map({ VirtualAddress($0.value) }),
      let scheme = schemes.scheme(scheme), root.value % scheme.rootAlignment == 0,
      first.value == 0 || first == scheme.firstAddressOfUpperWindow
    else { return nil }
    return AddressWindow(root: root, scheme: scheme, first: first)
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

/// The schemes that lines name, each created once: all spaces that it reads share it.
private struct ListedSchemes {
  var features: ProcessorFeatures
  private var known: [String: PagingScheme?] = [:]

  init(_ features: ProcessorFeatures) {
    self.features = features
    // A name in the list tells the number of address bits.
    self.features.virtualAddressBits = nil
  }

  mutating func scheme(_ name: String) -> PagingScheme? {
    if let scheme = known[name] { return scheme }
    let scheme = PagingSchemes.named(name, features)
    known[name] = .some(scheme)
    return scheme
  }
}
