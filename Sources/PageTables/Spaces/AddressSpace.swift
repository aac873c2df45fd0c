/// A root, and the scheme it is read by.
public struct AddressSpace: Hashable, Sendable {
  /// What people call it. Comes from a dump or a user: untrusted text.
  public var name: String
  /// The table at level 0.
  public var root: PhysicalAddress
  public var scheme: PagingScheme

  public init(name: String, root: PhysicalAddress, scheme: PagingScheme) {
    self.name = name
    self.root = root
    self.scheme = scheme
  }
}
