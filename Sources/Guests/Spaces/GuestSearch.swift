import MemoryImages
import PageTables

extension SpaceSearch {
  /// Reads the Linux guest in this memory; nil where there is none.
  ///
  /// Needs no scan: call it first with the spaces from `known()`; `named(_:by:)` then has the roots of all
  /// processes. A scan afterwards takes those spaces as known, adds roots that no process owns, and its result must
  /// be named again by the same guest. If no space is known (a raw file), memory is searched for the kernel's
  /// VMCOREINFO, which leads to its root; only if that fails, too, is it worth calling this again after the scan.
  ///
  /// Always nil for a capture, which holds tables only; its list has the names.
  ///
  /// - Parameters:
  ///   - found: the known spaces; may be empty.
  ///   - progress: gets the fraction done, 0 to 1; returning false stops.
  package func linuxGuest(
    _ found: FoundSpaces, progress: @escaping (Double) -> Bool = { _ in true }
  ) -> LinuxGuest? {
    guard mayHoldGuest else { return nil }
    // Any one of them leads to the kernel, whose half they all share; a hostile memory has thousands that do not.
    var spaces = found
    let live = found.spaces.filter { !$0.isPossiblyStale }
    spaces.spaces = live.filter(\.isKernelsOwn) + live.prefix(SpaceSearch.guestSpaces)
    guard
      image.vmcoreinfo != nil || spaces.spaces.isEmpty
        || LinuxSign(image: image, spaces: spaces).isThere(progress)
    else { return nil }
    return LinuxGuest.read(image, spaces: spaces, features: options.features, progress: progress)
  }

  /// Whether it makes sense to look for a guest.
  package var mayHoldGuest: Bool { image.capture == nil && image.spaces.isEmpty }

  private static let guestSpaces = 32

  /// The same spaces, named after the processes of their guest, and, unless the roots were given, with added spaces
  /// for processes that no search found. Those have the task list as their origin; the kernel's own root, where
  /// only its symbol led to it, has that.
  package func named(_ found: FoundSpaces, by guest: LinuxGuest) -> FoundSpaces {
    let adds = options.roots.isEmpty || options.scans
    let named = SpaceNaming(guest, found, in: image).named(found, adds: adds)
    return guest.other.map { SpaceNaming($0, named, in: image).named(named, adds: adds) } ?? named
  }
}
