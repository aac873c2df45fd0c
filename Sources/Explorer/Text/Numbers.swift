import PageTables

/// How numbers are written on the screen.
enum Numbers {
  /// `0x1a2c000`: lower case, no padding.
  static func hex(_ value: UInt64) -> String { AddressText.hex(value) }

  static func hex(_ address: PhysicalAddress) -> String { hex(address.value) }

  /// All 16 digits of an 8-byte entry, or 8 of a 4-byte one: `0x0000000001a2c063`.
  static func raw(_ value: UInt64, entrySize: Int) -> String { "0x" + padded(value, digits: entrySize * 2) }

  /// `ffff8881_02200000`, or 8 digits where addresses have 32 bits.
  static func grouped(_ address: VirtualAddress, in scheme: PagingScheme) -> String {
    guard scheme.virtualAddressBits > 32 else { return padded(address.value & 0xFFFF_FFFF, digits: 8) }
    return padded(address.value >> 32, digits: 8) + "_" + padded(address.value & 0xFFFF_FFFF, digits: 8)
  }

  /// What can change along a row of neighbours, without what they have in common: `..02201000`, or
  /// `ffff8881_4..` where one step is that large.
  static func shortened(_ address: VirtualAddress, step shift: Int, in scheme: PagingScheme) -> String {
    let full = grouped(address, in: scheme)
    if scheme.virtualAddressBits <= 32 { return full }
    if shift >= 32 { return full.prefix(8) + ".." }
    if shift >= 28 { return full.prefix(10) + ".." }
    return ".." + full.suffix(8)
  }

  /// A count and what is counted: `1 run`, `2 runs`.
  static func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    count == 1 ? "1 \(one)" : "\(count) \(many ?? one + "s")"
  }

  /// Text in at least `width` characters, filled up at the left.
  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// Text in at least `width` characters, filled up at the right.
  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func padded(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
