import PageTables

/// The guest's names for the addresses of one space: its process's regions, the parts of the kernel, symbols.
package struct AddressNames: Sendable {
  private let user: RegionTable
  private let kernel: RegionTable
  package let symbols: KernelSymbols?
  private let firstKernelAddress: VirtualAddress

  /// - Parameters:
  ///   - user: regions of the space's process; they do not overlap.
  ///   - kernel: the parts of the kernel, which may lie inside each other, and which all spaces share.
  package init(
    user: [NamedRegion], kernel: RegionTable, symbols: KernelSymbols?, firstKernelAddress: VirtualAddress
  ) {
    self.user = RegionTable(user)
    self.kernel = kernel
    self.symbols = symbols
    self.firstKernelAddress = firstKernelAddress
  }

  /// The regions of the process, in ascending address.
  package var userRegions: [NamedRegion] { user.regions }

  /// The parts of the kernel, in ascending address; if two start together, the larger one first.
  package var kernelRegions: [NamedRegion] { kernel.regions }

  /// The smallest region that contains an address; nil where none does.
  package func region(at address: VirtualAddress) -> NamedRegion? {
    let found = [user.smallest(at: address), kernel.smallest(at: address)].compactMap(\.self)
    return found.min { $0.length < $1.length }
  }

  /// The regions that touch any of the addresses from `first` to `last`, in ascending address.
  package func regions(from first: VirtualAddress, through last: VirtualAddress) -> [NamedRegion] {
    AddressNames.merged(
      user.touching(from: first, through: last), kernel.touching(from: first, through: last))
  }

  /// How many regions start after `first`, up to and including `last`.
  package func countOfRegions(startingBehind first: VirtualAddress, through last: VirtualAddress) -> Int {
    user.starting(behind: first, through: last).count + kernel.starting(behind: first, through: last).count
  }

  /// The first few of these, in ascending address.
  package func regions(
    startingBehind first: VirtualAddress, through last: VirtualAddress, limit: Int
  ) -> [NamedRegion] {
    let users = user.starting(behind: first, through: last).prefix(limit)
    let kernels = kernel.starting(behind: first, through: last).prefix(limit)
    return Array(AddressNames.merged(users, kernels).prefix(limit))
  }

  /// All regions in ascending address; usually all of the user's come first.
  private static func merged(
    _ users: some RandomAccessCollection<NamedRegion>, _ kernels: some RandomAccessCollection<NamedRegion>
  ) -> [NamedRegion] {
    let all = Array(users) + Array(kernels)
    guard let last = users.last, let first = kernels.first, first.first <= last.first else { return all }
    return all.sorted { ($0.first, $1.last) < ($1.first, $0.last) }
  }

  /// The kernel symbol that covers an address; nil in the user part, and where none is near.
  package func symbol(at address: VirtualAddress) -> KernelSymbols.Place? {
    address >= firstKernelAddress ? symbols?.place(of: address.value) : nil
  }
}

extension LinuxGuest {
  /// The parts of the kernel, for `addressNames`: all spaces share them.
  package func kernelParts() -> RegionTable { RegionTable(kernelRegions().compactMap(NamedRegion.init)) }

  /// The guest's names for the addresses of a space.
  ///
  /// - Parameters:
  ///   - found: one of the spaces named by this guest.
  ///   - kernelParts: the result of `kernelParts()`.
  package func addressNames(of found: FoundSpace, kernelParts: RegionTable) -> AddressNames {
    AddressNames(
      user: owner(of: found).map { regions(of: $0).map(NamedRegion.init) } ?? [], kernel: kernelParts,
      symbols: symbols, firstKernelAddress: found.space.usualKernelStart)
  }

  /// Whether a space may belong to this guest: its scheme fits, and it does not belong to another kernel.
  package func mayOwn(_ found: FoundSpace) -> Bool {
    found.space.scheme.name == kernel.scheme.name && found.otherKernel == nil
  }

  /// The process whose regions a space shows; nil for the kernel's own space.
  package func owner(of found: FoundSpace) -> GuestTask? {
    let root: PhysicalAddress
    if case .userCopy(let kernel) = found.isolation { root = kernel } else { root = found.space.root }
    // A space that was named by its root alone may be a user copy that has not been recognized as one yet.
    return tasks?.tasks.first {
      ($0.root == root || $0.userRoot == root) && $0.memory != nil && !$0.isKernelThread
    }
  }
}
