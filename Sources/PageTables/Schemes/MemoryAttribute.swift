/// One byte of `MAIR_EL1` (Arm Architecture Reference Manual, DDI 0487, "MAIR_EL1, Memory Attribute Indirection Register
/// (EL1)").
struct MemoryAttribute {
  private let raw: UInt64

  /// The lowest byte of `register`.
  init(_ register: UInt64) { raw = register & 0xff }

  /// The manual's name, caches in short: WB is Write-Back, WT Write-Through, NC Non-cacheable; of different ones that of
  /// the outer caches stands first.
  var name: String {
    let (outer, inner) = (raw >> 4, raw & 0xf)
    switch (outer, inner) {
    case (0, _): return device
    // With FEAT_XS, and with FEAT_MTE2.
    case (4, 0): return "Normal-NC-nXS"
    case (10, 0): return "Normal-WT-nXS"
    case (15, 0): return "Normal-Tagged-WB"
    case (_, 0): return "unpredictable"
    default:
      let names = (cache(outer), cache(inner))
      return names.0 == names.1 ? "Normal-\(names.0)" : "Normal-\(names.0)-\(names.1)"
    }
  }

  /// Bits 3:2 say what may be gathered, reordered, and acknowledged early; bit 0 is set without the XS attribute.
  private var device: String {
    guard raw & 2 == 0 else { return "unpredictable" }
    return "Device-" + ["nGnRnE", "nGnRE", "nGRE", "GRE"][Int(raw >> 2 & 3)] + (raw & 1 == 1 ? "-nXS" : "")
  }

  /// Bit 3 is clear in a transient type, bit 2 set in Write-Back; the low bits hint at allocation.
  private func cache(_ bits: UInt64) -> String {
    if bits == 4 { return "NC" }
    return (bits & 4 == 0 ? "WT" : "WB") + (bits & 8 == 0 ? "-transient" : "")
  }
}
