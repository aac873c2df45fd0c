/// By which bits of a leaf some software knows a page that is copied at the first write: the processor takes no notice
/// of them, so nobody can tell but who knows the software.
public struct CopyOnWriteConvention: Hashable, Sendable {
  /// The software's name, as `--cow` takes it.
  public let name: String
  /// The test on x86.
  public let x86: BitTest

  /// A convention of software that is not among `all`.
  public init(name: String, x86: BitTest) {
    self.name = name
    self.x86 = x86
  }

  /// Hyperlight's (`hyperlight_common`, `vmem.rs`).
  public static let hyperlight = CopyOnWriteConvention(name: "hyperlight", x86: .hyperlightCopyOnWrite)

  /// The conventions that are known.
  public static let all = [hyperlight]
}

extension EntryField {
  /// What a leaf is called that a convention's test is true of.
  static func copyOnWrite(_ test: BitTest) -> EntryField {
    EntryField("copy-on-write", .copyOnWrite, "copied at the first write", where: test)
  }
}
