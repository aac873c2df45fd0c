/// The known paging schemes, of all architectures.
public enum PagingSchemes {
  /// All of them, grouped by architecture, the most capable of each first.
  public static func all(_ features: ProcessorFeatures = ProcessorFeatures()) -> [PagingScheme] {
    X86.all(features) + AArch64.all(features) + RISCV.all()
  }

  /// The values that `--paging` takes.
  public static var names: [String] { all().map(\.name) }

  /// The scheme of that name; nil where there is none.
  public static func named(
    _ name: String, _ features: ProcessorFeatures = ProcessorFeatures()
  ) -> PagingScheme? {
    (X86.all(features) + RISCV.all()).first { $0.name == name } ?? AArch64.named(name, features)
  }
}
