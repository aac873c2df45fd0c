import PageTables

/// Where the two copies of a root lie that kernel page-table isolation keeps, one beside the other: a bit of the root's
/// address tells them apart.
struct IsolatedRoots: Hashable, Sendable {
  /// Set in the address of the copy that maps the user, clear in that of the kernel's.
  let userBit: UInt64

  /// The kernel's copy of a pair, given either.
  func kernelCopy(of root: PhysicalAddress) -> PhysicalAddress { PhysicalAddress(root.value & ~userBit) }

  /// The user's copy of a pair, given either.
  func userCopy(of root: PhysicalAddress) -> PhysicalAddress { PhysicalAddress(root.value | userBit) }

  /// Whether a root lies where a user's copy does.
  func isUserPlace(_ root: PhysicalAddress) -> Bool { root.value & userBit != 0 }
}

extension PagingScheme {
  /// Where systems that isolate the kernel's tables have the copies of a root; nil where none is known to.
  var isolatedRoots: IsolatedRoots? { LinuxArchitecture.of(self)?.isolatedRoots }

  /// The roots by which the kernel's part may be read, given one that may be a user's copy.
  func kernelRoots(of root: PhysicalAddress) -> [PhysicalAddress] {
    guard let copy = isolatedRoots?.kernelCopy(of: root), copy != root else { return [root] }
    return [root, copy]
  }
}
