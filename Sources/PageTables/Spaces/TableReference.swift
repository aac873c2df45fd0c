/// A table at a level: the identity of a node of the tree.
public struct TableReference: Hashable, Sendable {
  /// Its first byte in physical memory.
  public var address: PhysicalAddress
  /// Index into the scheme's levels.
  public var level: Int

  /// The table at `address`, read at a level; the root's level is 0.
  public init(address: PhysicalAddress, level: Int) {
    self.address = address
    self.level = level
  }
}
