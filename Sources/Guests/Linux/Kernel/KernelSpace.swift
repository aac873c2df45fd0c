import MemoryImages
import PageTables

/// Finds the kernel's own space: the root that the kernel keeps for itself, or otherwise a process's root, which
/// has the same kernel half.
struct KernelSpace {
  let image: MemoryImage
  let spaces: FoundSpaces
  let features: ProcessorFeatures

  /// The space; nil where none of the ways leads to one.
  func find(_ info: Vmcoreinfo?) -> AddressSpace? {
    let symbol = info?.symbols["swapper_pg_dir"] ?? info?.symbols["init_top_pgt"]
    if let info, let own = own(info) { return own }
    // The scan marks the kernel's own root as such where it can.
    let ordered = spaces.spaces.filter(\.isKernelsOwn) + spaces.spaces
    for found in ordered where !found.isPossiblyStale {
      if case .userCopy = found.isolation { continue }
      // Where the kernel has a window of its own, a space without it does not lead there.
      guard let part = found.space.kernelPart else { continue }
      let scheme = part.scheme
      let reader = GuestMemoryReader(found.space, image.memory)
      if let symbol {
        guard let root = reader.physical(of: symbol), let own = checked(root, symbol, scheme)
        else {
          continue
        }
        return own
      }
      // A processor may have stopped on the user's copy.
      for root in scheme.kernelRoots(of: part.root) {
        let space = kernel(root, scheme)
        if maps(space) { return space }
      }
    }
    return nil
  }

  /// The kernel's own root, from its symbol, where the symbols were read through another space.
  func own(by symbols: KernelSymbols, through reader: GuestMemoryReader) -> AddressSpace? {
    guard let kernelScheme = reader.space.kernelPart?.scheme else { return nil }
    for name in LinuxArchitecture.rootSymbols {
      if let symbol = symbols.address(of: name), let root = reader.physical(of: symbol),
        let own = checked(root, symbol, kernelScheme)
      {
        return own
      }
    }
    return nil
  }

  /// From VMCOREINFO alone: the physical address of the root's symbol follows from where the image was loaded.
  func own(_ info: Vmcoreinfo) -> AddressSpace? {
    guard let symbol = info.symbols["swapper_pg_dir"] ?? info.symbols["init_top_pgt"] else { return nil }
    for architecture in LinuxArchitecture.all {
      for scheme in schemes(of: architecture, info) {
        for root in roots(symbol, architecture, info) {
          if let own = checked(root, symbol, scheme) { return own }
        }
      }
    }
    return nil
  }

  /// The possible physical addresses of the symbol, from what the kernel says and from the possible starts of its
  /// direct map.
  private func roots(
    _ symbol: UInt64, _ architecture: LinuxArchitecture, _ info: Vmcoreinfo
  ) -> [PhysicalAddress] {
    if architecture.image != nil { return architecture.places(of: symbol, info) }
    return architecture.directMapStarts.filter { symbol >= $0 && symbol >> 32 == 0 }.map {
      PhysicalAddress(symbol &- $0)
    }
  }

  private func schemes(of architecture: LinuxArchitecture, _ info: Vmcoreinfo) -> [PagingScheme] {
    let chosen = architecture.schemes.first {
      !$0.chosenBy.isEmpty && $0.chosenBy.allSatisfy { info.numbers[$0.key] == $0.value }
    }
    return (chosen.map { [$0] } ?? architecture.schemes.filter(\.chosenBy.isEmpty)).compactMap {
      scheme($0.name, info)
    }
  }

  /// A scheme as used by the search for spaces, with its features; if the search did not know that memory is
  /// encrypted, the kernel's statement about that is added.
  private func scheme(_ name: String, _ info: Vmcoreinfo) -> PagingScheme? {
    var features = features
    features.encryptionBit = features.encryptionBit ?? info.encryptionBit
    let known = spaces.spaces.lazy.compactMap(\.space.kernelPart?.scheme).first { $0.name == name }
    return known.flatMap { $0.encryptionBit == features.encryptionBit ? $0 : nil }
      ?? PagingSchemes.named(name, features)
  }

  /// The space at `root`, if its tables map the symbol to that same root.
  private func checked(_ root: PhysicalAddress, _ symbol: UInt64, _ scheme: PagingScheme) -> AddressSpace? {
    guard root.value % scheme.rootAlignment == 0 else { return nil }
    let space = kernel(root, scheme)
    return GuestMemoryReader(space, image.memory).physical(of: symbol) == root ? space : nil
  }

  /// Whether the kernel's part maps more than the entry code, which is all that a user copy maps.
  private func maps(_ space: AddressSpace) -> Bool {
    DirectMap(of: space, in: image.memory).map { $0.confidence(in: image.memory) >= 0.5 } ?? false
  }

  private func kernel(_ root: PhysicalAddress, _ scheme: PagingScheme) -> AddressSpace {
    AddressSpace(kernel: FoundSpace.Role.kernelName, root: root, scheme: scheme)
  }
}
