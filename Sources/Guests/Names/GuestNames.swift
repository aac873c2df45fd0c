import PageTables
import Synchronization

/// The one provider of names: the names that the guest in a source, or the list in a capture of one, has for the
/// addresses and frames of all its spaces.
///
/// The parts of the kernel are read once, and the regions of a process when one of its addresses is first looked
/// up. May be called from several threads at once.
package final class GuestNames: Sendable {
  /// Nil for a capture, which has names of regions only.
  package var guest: LinuxGuest? { shelved?.guest }
  /// Kept by itself: it is large, and asked thousands of times for single answers, for which it is not copied.
  private let shelved: Shelved?
  private let captured: CapturedRegions?
  /// The processes; nil where none are known.
  package let users: SpaceUsers?
  private let known = Mutex(Known())

  private final class Shelved: Sendable {
    let guest: LinuxGuest

    init(_ guest: LinuxGuest) { self.guest = guest }
  }

  private struct Known {
    var kernelParts: RegionTable?
    var kernelNames: AddressNames?
    var userNames: [PhysicalAddress: AddressNames] = [:]
    var userRegions = 0
  }

  /// The most regions of processes kept, in total: a hostile guest may have them without end.
  private static let regionLimit = 1 << 20

  package init(_ guest: LinuxGuest) {
    shelved = Shelved(guest)
    captured = nil
    users = SpaceUsers(guest)
  }

  package init(_ captured: CapturedRegions) {
    shelved = nil
    self.captured = captured
    users = nil
  }

  /// Symbols of the guest's kernel.
  package var symbols: KernelSymbols? { shelved?.guest.symbols }

  /// Whether anything may be known about a space's addresses: the space is the guest's, by its paging scheme and
  /// its kernel.
  package func knows(_ found: FoundSpace) -> Bool { shelved?.guest.mayOwn(found) ?? true }

  /// What the guest uses a frame for.
  package func frameUse(of address: PhysicalAddress) -> FrameUse? { shelved?.guest.frameUse(of: address) }

  /// Whether the kernel's image still has a frame, as far as the guest tells; nil where no guest does.
  package var isInUse: ((PhysicalAddress) -> Bool)? {
    shelved.map { shelved in { shelved.guest.isReserved($0) } } ?? captured?.isInUse
  }

  /// The parts of the kernel, which all spaces share; the first call reads them, which takes milliseconds.
  package var kernelParts: RegionTable {
    if let parts = known.withLock({ $0.kernelParts }) { return parts }
    let parts = guest?.kernelParts() ?? RegionTable()
    known.withLock { $0.kernelParts = parts }
    return parts
  }

  /// All names of a space's addresses; nil where there are none, or the guest has another paging scheme.
  package func names(of found: FoundSpace) -> AddressNames? {
    guard let guest else { return captured?.names(of: found) }
    return knows(found) ? guest.addressNames(of: found, kernelParts: kernelParts) : nil
  }

  /// The smallest region that contains an address.
  package func region(at address: VirtualAddress, in found: FoundSpace) -> NamedRegion? {
    guard knows(found) else { return nil }
    if address >= found.space.usualKernelStart {
      // All spaces share these.
      if let names = known.withLock({ $0.kernelNames }) { return names.region(at: address) }
      let names = names(of: found)
      known.withLock { $0.kernelNames = names }
      return names?.region(at: address)
    }
    if let names = known.withLock({ $0.userNames[found.space.root] }) { return names.region(at: address) }
    let names =
      shelved?.guest.addressNames(of: found, kernelParts: RegionTable()) ?? captured?.names(of: found)
    known.withLock { known in
      let count = names?.userRegions.count ?? 0
      if known.userRegions + count > GuestNames.regionLimit {
        known.userNames = [:]
        known.userRegions = 0
      }
      known.userNames[found.space.root] = names
      known.userRegions += count
    }
    return names?.region(at: address)
  }

  /// Reads the regions of all spaces, for whoever asks when memory has changed; of what is most likely freed, none.
  package func readRegions(of spaces: [FoundSpace]) {
    for found in spaces where !found.isPossiblyStale { _ = region(at: VirtualAddress(0), in: found) }
  }

  /// All that is known about an address, given its translation.
  package func knowledge(of translation: Translation, in found: FoundSpace) -> AddressKnowledge {
    guard knows(found) else { return AddressKnowledge() }
    let address = translation.address
    let scheme = found.space.scheme(at: address)
    return AddressKnowledge(
      symbol: address >= found.space.usualKernelStart ? symbols?.place(of: address.value) : nil,
      region: region(at: address, in: found),
      frame: translation.page.flatMap { frameUse(of: $0.physical) },
      meaning: translation.steps.last.flatMap { step in
        shelved?.guest.meaning(of: step.raw, level: step.level, scheme: scheme, at: address)
      })
  }

  /// The most bytes kept of a command line.
  private static let commandLineLimit = 1000

  /// The command lines of all processes by pid, as far as their memory is available.
  package func commandLines() -> [Int: String] {
    var lines: [Int: String] = [:]
    for task in guest?.tasks?.tasks ?? [] where !task.isKernelThread {
      let line = guest?.arguments(of: task)?.joined(separator: " ") ?? ""
      if !line.isEmpty { lines[task.pid] = String(line.prefix(GuestNames.commandLineLimit)) }
    }
    return lines
  }
}
