/// How some software marks leaves whose pages are copied at the first write. The processor ignores these bits, so
/// the convention cannot be detected; the caller must name it. Each scheme knows the bits for its own entries.
public struct CopyOnWriteConvention: Hashable, Sendable {
  /// The software's name, as `--cow` takes it.
  public let name: String

  /// Hyperlight's (`hyperlight_common`, `vmem.rs`).
  public static let hyperlight = CopyOnWriteConvention(name: "hyperlight")

  /// All known conventions.
  public static let all = [hyperlight]
}

extension EntryField {
  /// The field for leaves that pass a convention's test; empty where the scheme does not know the convention.
  static func copyOnWrite(
    _ convention: CopyOnWriteConvention?, _ tests: [CopyOnWriteConvention: BitTest]
  ) -> [EntryField] {
    guard let test = convention.flatMap({ tests[$0] }) else { return [] }
    return [EntryField("copy-on-write", .copyOnWrite, "copied at the first write", where: test)]
  }
}
