import MemoryImages
import PageTables

extension MemoryImage {
  /// The paging schemes to try where neither a person nor a register names one, by architecture, the likelier one
  /// first: those of the machine where that is known. Memory that does not say where it comes from is taken for x86's
  /// until its kernel, or a root that a person names, says otherwise.
  func likelySchemes(_ features: ProcessorFeatures) -> [[PagingScheme]] {
    machine.map { [$0.likelySchemes(features)] } ?? [X86.all(features), AArch64.all(features), RISCV.all()]
  }
}

extension Machine {
  /// The paging schemes to try in memory of this architecture, the most capable first. What headers say of x86's
  /// word size is not relied on.
  func likelySchemes(_ features: ProcessorFeatures) -> [PagingScheme] {
    switch self {
    case .riscv: RISCV.all()
    case .aarch64: AArch64.all(features)
    default: X86.all(features)
    }
  }
}
