import Guests
import PageTables
import Records

/// What the guest in a source tells of itself: read when it is first asked for, and once.
final class SourceGuest {
  private let search: SpaceSearch
  private let timings: Timings
  private var guest: LinuxGuest?
  /// Whether asking again would change nothing.
  private(set) var isRead = false
  private var knownNames: GuestNames?

  init(_ search: SpaceSearch, _ timings: Timings) {
    self.search = search
    self.timings = timings
  }

  /// The guest, nil where there is none.
  ///
  /// - Parameter found: spaces of it, as far as they are known; where none was, it is looked for once more with some.
  func linux(_ found: FoundSpaces) -> LinuxGuest? {
    guard !isRead else { return guest }
    var progress = ScanProgress("names")
    defer { progress.clear() }
    guest = search.linuxGuest(found) { fraction in
      progress.show(fraction)
      return true
    }
    isRead = guest != nil || !found.spaces.isEmpty
    return guest
  }

  /// The same spaces by the names of their processes, where a guest tells them, and those that it alone tells of.
  func naming(_ found: FoundSpaces) -> FoundSpaces {
    guard search.mayHoldGuest else { return found }
    let guest = isRead ? linux(found) : timings.measure("names") { linux(found) }
    return guest.map { search.named(found, by: $0) } ?? found
  }

  /// What the guest, or a capture of it, calls addresses; nil where there is neither.
  func names(_ found: FoundSpaces) -> GuestNames? {
    if let knownNames { return knownNames }
    if let lines = search.image.capture?.regionLines, !lines.isEmpty {
      knownNames = GuestNames(CapturedRegions(lines: lines))
    } else if search.mayHoldGuest {
      let guest = isRead ? linux(found) : timings.measure("names") { linux(found) }
      knownNames = guest.map(GuestNames.init)
    }
    return knownNames
  }
}
