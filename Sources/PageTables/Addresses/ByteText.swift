/// Byte counts as people read and type them, in units of 1024: `4K`, `3.5G`.
package enum ByteText {
  private static let units: [(shift: UInt64, letter: Character)] = [
    (60, "E"), (50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "K"),
  ]

  /// Exact, in the largest unit that divides the count, as for page sizes: `4K`, `2M`, `1536K`.
  package static func exact(_ bytes: UInt64) -> String {
    let unit = units.first { bytes >> $0.shift != 0 && bytes & ((1 << $0.shift) - 1) == 0 }
    return unit.map { "\(bytes >> $0.shift)\($0.letter)" } ?? "\(bytes)"
  }

  /// In the largest unit that fits, rounded down to a tenth of that unit: `127T`, `3.5G`.
  package static func rounded(_ bytes: UInt64) -> String {
    guard let (shift, letter) = units.first(where: { bytes >> $0.shift != 0 }) else { return "\(bytes)" }
    let whole = bytes >> shift
    let tenths = ((bytes >> (shift - 10)) & 1023) * 10 / 1024
    return tenths == 0 || whole >= 100 ? "\(whole)\(letter)" : "\(whole).\(tenths)\(letter)"
  }

  /// A decimal number with a unit, such as `4k` or `2M`; nil where the text is something else, or does not fit. No
  /// exabytes: their letter is a hexadecimal digit.
  package static func parse(_ text: some StringProtocol) -> UInt64? {
    guard let letter = text.last?.uppercased(), letter != "E",
      let unit = units.first(where: { String($0.letter) == letter }), let count = UInt64(text.dropLast())
    else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << unit.shift)
    return overflow ? nil : bytes
  }

  /// The same for the size of a page: a power of 2.
  package static func parsePageSize(_ text: some StringProtocol) -> UInt64? {
    parse(text).flatMap { $0.nonzeroBitCount == 1 ? $0 : nil }
  }
}
