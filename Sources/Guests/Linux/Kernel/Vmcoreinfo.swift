import PageTables

/// The kernel's VMCOREINFO: lines of text that tell debuggers where things are
/// (`Documentation/admin-guide/kdump/vmcoreinfo.rst` of the kernel). All of it is untrusted.
package struct Vmcoreinfo: Hashable, Sendable {
  /// `uname -r` of the guest, as in the text.
  package private(set) var release: String?
  /// The distance by which the kernel image was moved from its link address.
  package private(set) var kernelOffset: UInt64?
  /// `SYMBOL(name)`: virtual addresses.
  package private(set) var symbols: [String: UInt64] = [:]
  /// `NUMBER(name)`: values, negative ones in two's complement; `PAGESIZE`, too.
  package private(set) var numbers: [String: Int64] = [:]
  /// `OFFSET(struct.member)`: bytes.
  package private(set) var offsets: [String: UInt64] = [:]
  /// `SIZE(name)`: bytes.
  package private(set) var sizes: [String: UInt64] = [:]
  /// `LENGTH(name)`: elements.
  package private(set) var lengths: [String: UInt64] = [:]
  /// Whether it contains the time of a crash, which the kernel adds when it crashes.
  package private(set) var hasCrashed = false
  /// Lines of any other kind; hostile text has many.
  package private(set) var unknownLines = 0

  /// The most bytes of text examined: the kernel uses one page.
  private static let textLimit = 1 << 16
  private static let lineLimit = 4096

  /// Reads the text up to its first 0 byte. If a key appears twice, the first one counts.
  ///
  /// - Returns: nil where the text has neither a release nor a symbol.
  package init?(_ text: some Collection<UInt8>) {
    let lines = text.prefix(Vmcoreinfo.textLimit).prefix { $0 != 0 }.split(separator: UInt8(ascii: "\n"))
    for line in lines.prefix(Vmcoreinfo.lineLimit) {
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")),
        line.allSatisfy({ (0x20..<0x7f).contains($0) })
      else {
        unknownLines += 1
        continue
      }
      let key = String(decoding: line[..<equals], as: UTF8.self)
      let value = String(decoding: line[line.index(after: equals)...], as: UTF8.self)
      if !take(key, value) { unknownLines += 1 }
    }
    guard release != nil || !symbols.isEmpty else { return nil }
  }

  /// The address bit that marks encrypted memory, if AMD memory encryption is on.
  var encryptionBit: Int? {
    guard let mask = numbers["sme_mask"], mask > 0, mask & (mask - 1) == 0,
      ProcessorFeatures.encryptionBits.contains(mask.trailingZeroBitCount)
    else { return nil }
    return mask.trailingZeroBitCount
  }

  private mutating func take(_ key: String, _ value: String) -> Bool {
    switch key {
    case "OSRELEASE":
      if release == nil { release = value.cut(toBytes: NameLimit.release) }
      return true
    case "KERNELOFFSET":
      guard let number = UInt64(value, radix: 16) else { return false }
      if kernelOffset == nil { kernelOffset = number }
      return true
    case "CRASHTIME":
      hasCrashed = true
      return true
    case "BUILD-ID": return true
    case "PAGESIZE": return keep(Vmcoreinfo.number(value), as: key, in: \.numbers)
    default: break
    }
    guard key.hasSuffix(")"), let open = key.firstIndex(of: "(") else { return false }
    let name = String(key[key.index(after: open)...].dropLast())
    guard !name.isEmpty else { return false }
    switch key[..<open] {
    case "SYMBOL": return keep(UInt64(value, radix: 16), as: name, in: \.symbols)
    case "NUMBER": return keep(Vmcoreinfo.number(value), as: name, in: \.numbers)
    case "OFFSET": return keep(UInt64(value), as: name, in: \.offsets)
    case "SIZE": return keep(UInt64(value), as: name, in: \.sizes)
    case "LENGTH": return keep(UInt64(value), as: name, in: \.lengths)
    default: return false
    }
  }

  private mutating func keep<Value>(
    _ value: Value?, as name: String, in table: WritableKeyPath<Vmcoreinfo, [String: Value]>
  ) -> Bool {
    guard let value else { return false }
    if self[keyPath: table][name] == nil { self[keyPath: table][name] = value }
    return true
  }

  private static func number(_ text: String) -> Int64? {
    if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16).map(Int64.init(bitPattern:)) }
    return Int64(text) ?? UInt64(text).map(Int64.init(bitPattern:))
  }
}
