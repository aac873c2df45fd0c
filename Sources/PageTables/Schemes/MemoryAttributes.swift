/// The memory types that AArch64's leaves choose from: eight bytes in `MAIR_EL1`, of which `AttrIndx` selects one (Arm
/// Architecture Reference Manual, DDI 0487, "MAIR_EL1, Memory Attribute Indirection Register (EL1)").
struct MemoryAttributes: Sendable {
  /// The register.
  let raw: UInt64

  /// What each of the eight is called, by the number that selects it.
  var names: [String] { (0..<8).map { Self.name(UInt8(truncatingIfNeeded: raw >> ($0 * 8))) } }

  /// In the manual's words and abbreviations; where it says no more than that the result is unpredictable, the number.
  static func name(_ attribute: UInt8) -> String {
    switch attribute {
    case 0b0000_0000: return "Device-nGnRnE"
    case 0b0000_0100: return "Device-nGnRE"
    case 0b0000_1000: return "Device-nGRE"
    case 0b0000_1100: return "Device-GRE"
    case 0b1111_0000: return "Normal-Tagged"
    // With FEAT_XS, memory whose XS attribute is 0.
    case 0b0000_0001, 0b0000_0101, 0b0000_1001, 0b0000_1101: return name(attribute & ~1) + "-nXS"
    case 0b0100_0000: return "Normal-NC-nXS"
    case 0b1010_0000: return "Normal-WT-nXS"
    default:
      let (outer, inner) = (cacheability(attribute >> 4), cacheability(attribute & 0xf))
      guard let outer, let inner else { return "Attr=0x" + String(attribute, radix: 16) }
      return outer == inner ? "Normal-" + outer : "Normal-i\(inner)-o\(outer)"
    }
  }

  /// Write-through or write-back, transient or not: the low bits, Read-Allocate and Write-Allocate, are hints, but not
  /// both 0 where the memory is transient.
  private static func cacheability(_ bits: UInt8) -> String? {
    switch bits {
    case 0b0000: nil
    case 0b0001...0b0011: "WT-transient"
    case 0b0100: "NC"
    case 0b0101...0b0111: "WB-transient"
    case 0b1000...0b1011: "WT"
    default: "WB"
    }
  }
}
