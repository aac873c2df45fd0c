/// A table at a level: what a node of the tree stands for.
public struct TableReference: Hashable, Sendable {
  /// Its first byte in physical memory.
  public var address: PhysicalAddress
  /// Index into the scheme's levels.
  public var level: Int

  /// The page at `address` read at a level, the root's being 0.
  public init(address: PhysicalAddress, level: Int) {
    self.address = address
    self.level = level
  }
}
