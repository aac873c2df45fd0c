import MemoryImages
import PageTables

extension MemoryImage {
  /// The paging schemes to try where neither a person nor a register names one: those of the machine's architecture,
  /// the most capable first. Memory that does not say where it comes from is taken for x86's until its kernel says
  /// otherwise.
  func likelySchemes(_ features: ProcessorFeatures) -> [PagingScheme] {
    switch machine {
    case .riscv: RISCV.all()
    default: X86.all(features)
    }
  }
}
