import PageTables

/// A number that is a string in JSON, `"0x…"`: an address or a raw entry, which JSON's own numbers could not hold
/// exactly.
package struct Hex: Hashable, Sendable, Codable, CustomStringConvertible {
  package let value: UInt64

  package init(_ value: UInt64) { self.value = value }
  package init(_ address: PhysicalAddress) { value = address.value }
  package init(_ address: VirtualAddress) { value = address.value }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a 0x… number: \(text)")
    }
    self.value = value
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  package var description: String { AddressText.hex(value) }
}
