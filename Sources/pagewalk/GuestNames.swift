import Guests
import MemoryImages
import PageTables
import Records

/// What the guest in a source, or the list of a capture of one, calls addresses and frames of all its spaces: the
/// parts of the kernel are read once, and the regions of a process when an address of it is first asked for.
final class GuestNames {
  /// nil for a capture, which has names of regions and nothing else.
  let guest: LinuxGuest?
  private let captured: CapturedRegions?
  private lazy var kernelParts = guest?.kernelParts() ?? RegionTable()
  private var kernelNames: AddressNames?
  private var userNames: [PhysicalAddress: AddressNames] = [:]

  init(_ guest: LinuxGuest) {
    self.guest = guest
    captured = nil
  }

  init(_ captured: CapturedRegions) {
    guest = nil
    self.captured = captured
  }

  /// All names of a space's addresses; nil where there are none, or the guest has another paging scheme.
  func names(of found: FoundSpace) -> AddressNames? {
    guard let guest else { return captured?.names(of: found) }
    return isGuests(found) ? guest.addressNames(of: found, kernelParts: kernelParts) : nil
  }

  /// The smallest region that holds an address.
  func region(at address: VirtualAddress, in found: FoundSpace) -> NamedRegion? {
    guard isGuests(found) else { return nil }
    if address >= found.space.scheme.usualKernelStart {
      // All spaces have these in common.
      if kernelNames == nil { kernelNames = names(of: found) }
      return kernelNames?.region(at: address)
    }
    if let known = userNames[found.space.root] { return known.region(at: address) }
    let names = guest?.addressNames(of: found, kernelParts: RegionTable()) ?? captured?.names(of: found)
    userNames[found.space.root] = names
    return names?.region(at: address)
  }

  /// All that is known of an address, given how it is translated.
  func knowledge(of translation: Translation, in found: FoundSpace) -> AddressKnowledge {
    guard isGuests(found) else { return AddressKnowledge() }
    let scheme = found.space.scheme
    let address = translation.address
    return AddressKnowledge(
      symbol: address >= scheme.usualKernelStart ? guest?.symbols?.place(of: address.value) : nil,
      region: region(at: address, in: found),
      frame: translation.page.flatMap { guest?.frameUse(of: $0.physical) },
      meaning: translation.steps.last.flatMap { step in
        guest?.meaning(of: step.raw, level: step.level, scheme: scheme, at: address)
      })
  }

  private func isGuests(_ found: FoundSpace) -> Bool {
    guest.map { $0.mayOwn(found) } ?? true
  }
}
