/// A table at a level: what a node of the tree stands for.
public struct TableReference: Hashable, Sendable {
  public var address: PhysicalAddress
  /// Index into the scheme's levels.
  public var level: Int

  public init(address: PhysicalAddress, level: Int) {
    self.address = address
    self.level = level
  }
}
