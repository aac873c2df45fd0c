import Guests
import PageTables
import Records

/// What the guest in a source tells of itself: read when it is first asked for, and once.
final class SourceGuest {
  private let search: SpaceSearch
  private let timings: Timings
  private var answer: LinuxGuest??

  init(_ search: SpaceSearch, _ timings: Timings) {
    self.search = search
    self.timings = timings
  }

  /// Whether it was asked for before.
  var isRead: Bool { answer != nil }

  /// The guest, nil where there is none.
  ///
  /// - Parameter found: spaces of it, as far as they are known.
  func linux(_ found: FoundSpaces) -> LinuxGuest? {
    if let answer { return answer }
    var progress = ScanProgress("names")
    defer { progress.clear() }
    let guest = search.linuxGuest(found) { fraction in
      progress.show(fraction)
      return true
    }
    answer = .some(guest)
    return guest
  }

  /// The same spaces by the names of their processes, where a guest tells them.
  func naming(_ found: FoundSpaces) -> FoundSpaces {
    guard search.mayHoldGuest else { return found }
    return timings.measure("names") {
      linux(found).map { search.named(found, by: $0) } ?? found
    }
  }

  /// The symbols of the guest's kernel, nil where there are none.
  func symbols(_ found: FoundSpaces) -> KernelSymbols? {
    guard answer == nil, search.mayHoldGuest else { return answer??.symbols }
    return timings.measure("symbols") { linux(found)?.symbols }
  }
}
