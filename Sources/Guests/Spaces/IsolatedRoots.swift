import PageTables

/// Where the two copies of a root lie under kernel page-table isolation: next to each other, told apart by one bit
/// of the address.
struct IsolatedRoots: Hashable, Sendable {
  /// Set in the address of the user copy, clear in that of the kernel copy.
  let userBit: UInt64

  /// The kernel copy of a pair, given either copy.
  func kernelCopy(of root: PhysicalAddress) -> PhysicalAddress { PhysicalAddress(root.value & ~userBit) }

  /// The user copy of a pair, given either copy.
  func userCopy(of root: PhysicalAddress) -> PhysicalAddress { PhysicalAddress(root.value | userBit) }

  /// Whether a root has the address of a user copy.
  func isUserPlace(_ root: PhysicalAddress) -> Bool { root.value & userBit != 0 }
}

extension PagingScheme {
  /// Where systems that isolate the kernel's tables place the copies of a root; nil where no such system is known.
  var isolatedRoots: IsolatedRoots? { LinuxArchitecture.of(self)?.isolatedRoots }

  /// The roots through which the kernel's part may be read, given one that may be a user copy.
  func kernelRoots(of root: PhysicalAddress) -> [PhysicalAddress] {
    guard let copy = isolatedRoots?.kernelCopy(of: root), copy != root else { return [root] }
    return [root, copy]
  }
}
