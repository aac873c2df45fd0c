import Guests
import PageTables

/// The question what the guest calls the addresses of one space; the program answers it in the background.
package struct NamesSearch: Equatable, Sendable {
  let space: FoundSpace
  private let source: GuestNames
  private let memory: any PhysicalMemory

  init(_ space: FoundSpace, _ source: GuestNames, _ memory: any PhysicalMemory) {
    self.space = space
    self.source = source
    self.memory = memory
  }

  /// Reads the process's regions, and what of them is there.
  package func run() -> SpaceNames {
    let names =
      source.names(of: space)
      ?? AddressNames(
        user: [], kernel: RegionTable(), symbols: nil, firstKernelAddress: space.space.usualKernelStart)
    let guest = source.guest
    return SpaceNames(
      addresses: names,
      counted: space.space.countedRegions(names, user: true, kernel: true, in: memory, guest: guest),
      task: guest?.owner(of: space))
  }

  package static func == (left: NamesSearch, right: NamesSearch) -> Bool { left.space == right.space }
}
