import PageTables

/// What the guest calls the addresses of one space: its process's regions, the parts of the kernel, symbols.
public struct AddressNames: Sendable {
  /// In ascending address; of two that start together the larger one first. Regions of the user part do not
  /// overlap; parts of the kernel may lie inside of others.
  public let regions: [NamedRegion]
  /// For each region the region before it that reaches farthest: where the search for a larger one ends.
  private let farthest: [VirtualAddress]
  public let symbols: KernelSymbols?
  private let firstKernelAddress: VirtualAddress
  /// Regions that are looked at for one address: real ones nest a few deep, those of hostile memory without end.
  private static let lookLimit = 1024

  public init(regions: [NamedRegion], symbols: KernelSymbols?, firstKernelAddress: VirtualAddress) {
    self.regions = regions.sorted { ($0.first, $1.last) < ($1.first, $0.last) }
    var reach = VirtualAddress(0)
    farthest = self.regions.map { region in
      reach = max(reach, region.last)
      return reach
    }
    self.symbols = symbols
    self.firstKernelAddress = firstKernelAddress
  }

  /// The smallest region that holds an address; nil where none does.
  public func region(at address: VirtualAddress) -> NamedRegion? {
    var index = regions.partitioningIndex { $0.first > address }
    var best: NamedRegion?
    let end = max(0, index - AddressNames.lookLimit)
    while index > end {
      index -= 1
      guard farthest[index] >= address else { break }
      let region = regions[index]
      if region.contains(address), best.map({ region.length < $0.length }) ?? true { best = region }
    }
    return best
  }

  /// The regions that touch any of the addresses from `first` to `last`, in ascending address.
  public func regions(from first: VirtualAddress, through last: VirtualAddress) -> [NamedRegion] {
    var index = regions.partitioningIndex { $0.first >= first }
    let inside = regions[index..<max(index, regions.partitioningIndex { $0.first > last })]
    var around: [NamedRegion] = []
    let end = max(0, index - AddressNames.lookLimit)
    while index > end {
      index -= 1
      guard farthest[index] >= first else { break }
      if regions[index].last >= first { around.append(regions[index]) }
    }
    return Array(around.reversed()) + inside
  }

  /// The kernel's symbol that an address belongs to; nil in the user part, and where none is near.
  public func symbol(at address: VirtualAddress) -> KernelSymbols.Place? {
    address >= firstKernelAddress ? symbols?.place(of: address.value) : nil
  }
}

extension LinuxGuest {
  /// What this guest calls the addresses of a space.
  ///
  /// - Parameters:
  ///   - found: one of the spaces that carry its names.
  ///   - kernelParts: `kernelRegions()`, which all spaces have in common.
  public func addressNames(of found: FoundSpace, kernelParts: [KernelRegion]) -> AddressNames {
    let start = found.space.scheme.usualKernelStart
    let task = owner(of: found)
    let user = task.map { regions(of: $0).map(NamedRegion.init) } ?? []
    return AddressNames(
      regions: user + kernelParts.compactMap(NamedRegion.init), symbols: symbols, firstKernelAddress: start)
  }

  /// Whether a space is one of this guest's, as far as its scheme tells.
  public func mayOwn(_ found: FoundSpace) -> Bool { found.space.scheme.name == kernel.scheme.name }

  /// The process whose regions a space shows; nil for the kernel's own.
  public func owner(of found: FoundSpace) -> GuestTask? {
    let root: PhysicalAddress
    if case .userCopy(let kernel) = found.isolation { root = kernel } else { root = found.space.root }
    return tasks?.tasks.first { $0.root == root && $0.memory != nil && !$0.isKernelThread }
  }
}
