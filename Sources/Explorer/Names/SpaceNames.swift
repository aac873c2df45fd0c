import Guests
import PageTables

/// What the guest tells of one space.
package struct SpaceNames: Sendable {
  let addresses: AddressNames
  /// The regions with what of each is there, and what is mapped outside of all of them, in ascending address.
  let counted: [CountedRegion]
  /// The process that the regions are from.
  let task: GuestTask?

  /// What of a region is there.
  func contents(of region: NamedRegion) -> RegionContents? {
    var index = counted.partitioningIndex { ($0.first, region.last) >= (region.first, $0.last) }
    while counted.indices.contains(index), counted[index].first == region.first {
      if counted[index].region == region { return counted[index].contents }
      index += 1
    }
    return nil
  }

  /// What lies between two addresses, both included: the region at the first one, or else the first region that
  /// starts there, and how many others there are.
  func regions(from first: VirtualAddress, through last: VirtualAddress) -> (first: NamedRegion, others: Int)?
  {
    let others = addresses.countOfRegions(startingBehind: first, through: last)
    if let region = addresses.region(at: first) { return (region, others) }
    return addresses.regions(startingBehind: first, through: last, limit: 1).first.map { ($0, others - 1) }
  }

  /// Bytes behind a symbol of the direct map that still belong to it: the kernel's data may have no symbols.
  private static let symbolReach: UInt64 = 1 << 16

  /// The symbol of an address, where it says more than the region.
  func symbol(at address: VirtualAddress) -> KernelSymbols.Place? {
    guard let symbol = addresses.symbol(at: address) else { return nil }
    guard let region = addresses.region(at: address) else { return symbol }
    let isNear = region.kind != .kernel(.directMap) || symbol.offset < Self.symbolReach
    return region.hasSymbols && isNear ? symbol : nil
  }

  /// What one address is called: a symbol, or else the region that it lies in. Untrusted text made visible.
  func title(of address: VirtualAddress) -> String? {
    symbol(at: address)?.title ?? addresses.region(at: address)?.title(fitting: 40)
  }

  /// The first region that a person may mean by a text: by its name, or the last part of its path.
  func region(called text: String) -> NamedRegion? {
    guard !text.isEmpty else { return nil }
    func first(_ isMeant: (NamedRegion) -> Bool) -> NamedRegion? {
      addresses.userRegions.first(where: isMeant) ?? addresses.kernelRegions.first(where: isMeant)
    }
    return first { $0.title == text || $0.title == "[\(text)]" }
      ?? first { !$0.name.isEmpty && ($0.name == text || $0.name.hasSuffix("/" + text)) }
  }

  /// Letters that say too little to stand for a name.
  private static let leastLetters = 2

  /// The first region whose name begins with a text, and how many other names do.
  func regions(calledLike text: String) -> (first: NamedRegion, others: Int)? {
    guard text.count >= Self.leastLetters else { return nil }
    var first: NamedRegion?
    var titles: Set<String> = []
    for regions in [addresses.userRegions, addresses.kernelRegions] {
      for region in regions where region.hasName(startingWith: text) {
        if first == nil { first = region }
        titles.insert(region.title)
      }
    }
    return first.map { ($0, titles.count - 1) }
  }
}

extension NamedRegion {
  /// Whether the name, without its bracket, or the last part of its path begins with a text, in whatever case.
  func hasName(startingWith text: String) -> Bool {
    let title = title.utf8
    if title.begins(with: text.utf8) { return true }
    if title.first == UInt8(ascii: "["), title.dropFirst().begins(with: text.utf8) { return true }
    guard let slash = title.lastIndex(of: UInt8(ascii: "/")) else { return false }
    return title[title.index(after: slash)...].begins(with: text.utf8)
  }
}

extension Sequence<UInt8> {
  /// Compares as `hasPrefix` does, but ASCII letters in whatever case, and without a text for each comparison: there
  /// may be many names.
  fileprivate func begins(with other: some Sequence<UInt8>) -> Bool {
    starts(with: other) { one, wanted in
      one == wanted || (one ^ wanted == 0x20 && (0x61...0x7a).contains(one | 0x20))
    }
  }
}
