import MemoryImages
import PageTables

extension SpaceSearch {
  /// What the Linux guest in this memory tells of itself; nil where there is none.
  ///
  /// Needs no scan: ask it first with what is `known()`, and `named(_:by:)` then has the roots of all processes.
  /// The scan that comes after takes those spaces as known, adds roots that no process owns, and its result is
  /// to be named once more by the same guest. Where nothing at all is known (a raw file), the kernel's
  /// VMCOREINFO is searched for in memory, which leads to its root; only where that is in vain, too, is there
  /// a point in asking again after the scan.
  ///
  /// A capture has none: it holds tables only, and its list has the names.
  ///
  /// - Parameters:
  ///   - found: spaces of it, as far as they are known; none will do.
  ///   - progress: gets the part done, 0 to 1; answering false stops.
  package func linuxGuest(
    _ found: FoundSpaces, progress: @escaping (Double) -> Bool = { _ in true }
  ) -> LinuxGuest? {
    guard mayHoldGuest else { return nil }
    // Any one leads to the kernel, whose half all have; a hostile memory has thousands that do not.
    var spaces = found
    let live = found.spaces.filter { !$0.isPossiblyStale }
    spaces.spaces = live.filter(\.isKernelsOwn) + live.prefix(SpaceSearch.guestSpaces)
    guard
      image.vmcoreinfo != nil || spaces.spaces.isEmpty
        || LinuxSign(image: image, spaces: spaces).isThere(progress)
    else { return nil }
    return LinuxGuest.read(image, spaces: spaces, features: options.features, progress: progress)
  }

  /// Whether there is any point in asking for a guest.
  package var mayHoldGuest: Bool { image.capture == nil && image.spaces.isEmpty }

  private static let guestSpaces = 32

  /// The same spaces, named by the processes of their guest, and with the processes that no search found, unless
  /// the roots were given. Those are `foundBy` the task list; the kernel's own root, where only its symbol led
  /// to it, by that.
  package func named(_ found: FoundSpaces, by guest: LinuxGuest) -> FoundSpaces {
    let adds = options.roots.isEmpty || options.scans
    let named = SpaceNaming(guest, found, in: image).named(found, adds: adds)
    return guest.other.map { SpaceNaming($0, named, in: image).named(named, adds: adds) } ?? named
  }
}
