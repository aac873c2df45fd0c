/// By which bits of a leaf some software knows a page that is copied at the first write: the processor takes no notice
/// of them, so nobody can tell but who knows the software. Each scheme knows the bits for its own entries.
public struct CopyOnWriteConvention: Hashable, Sendable {
  /// The software's name, as `--cow` takes it.
  public let name: String

  /// Hyperlight's (`hyperlight_common`, `vmem.rs`).
  public static let hyperlight = CopyOnWriteConvention(name: "hyperlight")

  /// The conventions that are known.
  public static let all = [hyperlight]
}

extension EntryField {
  /// What a leaf is called that a convention's test is true of; nothing where the scheme does not know the convention.
  static func copyOnWrite(
    _ convention: CopyOnWriteConvention?, _ tests: [CopyOnWriteConvention: BitTest]
  ) -> [EntryField] {
    guard let test = convention.flatMap({ tests[$0] }) else { return [] }
    return [EntryField("copy-on-write", .copyOnWrite, "copied at the first write", where: test)]
  }
}
