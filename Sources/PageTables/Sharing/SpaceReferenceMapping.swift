/// A block of addresses in one space that is translated by an owner's table.
public struct SpaceReferenceMapping: Hashable, Sendable {
  /// Depth at which the alias starts, 1-based: the shared table hangs below an entry of the table at `depth - 1`. 0
  /// means that both spaces have the same root.
  public let depth: Int
  /// The owner: the first space, in the order given, that reaches the table. It comes earlier in the result; where
  /// one space reaches a table twice, it is that space itself.
  public var owner: Int
  /// The owner's id: the physical address of its root.
  public let space: PhysicalAddress
  /// Start of the shared block in this space; canonical.
  public let ourVA: VirtualAddress
  /// Start of the same block in the owner's space; canonical.
  public let theirVA: VirtualAddress
  /// Bytes of address space in the block, after clipping; 0 means all 2^64.
  public let length: UInt64
  /// The shared table.
  public let table: TableReference

  /// A reference to an owner's table, covering `length` bytes of address space from `ourVA` on.
  public init(
    depth: Int, owner: Int, space: PhysicalAddress, ourVA: VirtualAddress, theirVA: VirtualAddress,
    length: UInt64, table: TableReference
  ) {
    self.depth = depth
    self.owner = owner
    self.space = space
    self.ourVA = ourVA
    self.theirVA = theirVA
    self.length = length
    self.table = table
  }
}
