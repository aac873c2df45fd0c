import MemoryImages
import PageTables
import Synchronization

/// Finds the spaces of a memory and their owners, step by step: the spaces known at once; the guest, which names
/// its processes; the scan of all memory. Front ends run the steps and observe the results.
///
/// Guest and scan may run one after the other or on two threads in parallel; the final result is the same.
package final class SpaceDiscovery: Sendable {
  package let search: SpaceSearch
  private let state: Mutex<State>
  /// What was found in the moment before this one.
  private let earlier: EarlierFindings?

  private struct State {
    var known: FoundSpaces?
    /// The spaces found so far, without the names that the guest gives.
    var found = FoundSpaces()
    var isComplete = false
    var names: GuestNames?
    /// The roots with which the last unsuccessful search for a guest was made.
    var roots: [PhysicalAddress]?
    /// The found spaces with the guest's names, cached until either changes.
    var named: FoundSpaces?
  }

  package init(_ search: SpaceSearch) {
    self.search = search
    earlier = nil
    state = Mutex(State())
  }

  /// The same for the next moment of a machine: its guest is not looked for again, only what it runs; and of the
  /// spaces that a scan found, those are taken that still look like roots.
  package init(_ search: SpaceSearch, after earlier: SpaceDiscovery) {
    self.search = search
    self.earlier = EarlierFindings(
      guest: earlier.names?.guest, spaces: earlier.spaces.spaces, isComplete: earlier.isComplete)
    state = Mutex(State())
  }

  private struct EarlierFindings {
    let guest: LinuxGuest?
    let spaces: [FoundSpace]
    let isComplete: Bool
  }

  /// The spaces that need no search.
  package func known() throws(SpaceSearchError) -> FoundSpaces {
    if let known = state.withLock({ $0.known }) { return known }
    var found = try search.known()
    found.spaces = found.spaces.kernelFirst
    let known = found
    state.withLock { state in
      state.known = known
      state.found = known
      state.isComplete = !known.canScan
    }
    return known
  }

  /// Whether memory has been searched for more spaces, or need not be.
  package var isComplete: Bool { state.withLock { $0.isComplete } }

  /// The names known so far.
  package var names: GuestNames? { state.withLock { $0.names } }

  /// Whether searching for the guest again would change nothing.
  package var isGuestSettled: Bool { state.withLock { $0.names != nil || $0.roots == $0.found.roots } }

  /// The spaces known now, with the guest's names.
  package var spaces: FoundSpaces {
    let (found, names, named, known) = state.withLock {
      ($0.found, $0.names, $0.named, $0.known?.roots ?? [])
    }
    if let named { return named }
    var result = names?.guest.map { search.named(found, by: $0) } ?? found
    result.spaces = result.spaces.inListingOrder(known: known)
    state.withLock { state in
      if state.found == found, state.names === names { state.named = result }
    }
    return result
  }

  /// A space that may have been found before its guest, with the names known now.
  package func named(_ found: FoundSpace) -> FoundSpace {
    guard found.namedBy == nil, let guest = names?.guest else { return found }
    var alone = FoundSpaces()
    alone.spaces = [found]
    return search.named(alone, by: guest).spaces.first { $0.space.root == found.space.root } ?? found
  }

  /// Looks for the guest through the spaces found so far, unless that has been done.
  ///
  /// - Parameter progress: gets the fraction of memory searched, 0 to 1, where a search is needed; returning false
  ///   stops it.
  /// - Returns: the guest's names, or those in a capture's list; nil where there are none.
  @discardableResult
  package func readGuest(_ progress: @escaping (Double) -> Bool = { _ in true }) -> GuestNames? {
    while !isGuestSettled {
      let found = state.withLock { $0.found }
      let names = lookForGuest(by: found, progress)
      let isLast = state.withLock { state in
        if let names {
          state.names = names
          state.named = nil
        }
        state.roots = found.roots
        // Meanwhile a scan may have found more spaces, which may lead to the guest.
        return names != nil || state.found.roots == found.roots || !progress(1)
      }
      if isLast { break }
    }
    return names
  }

  private func lookForGuest(by found: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> GuestNames? {
    let lines = search.image.capture?.regionLines ?? []
    if !lines.isEmpty { return GuestNames(CapturedRegions(lines: lines)) }
    let guest = earlier?.guest?.next(in: search.image, spaces: found)
    return (guest ?? search.linuxGuest(found, progress: progress)).map { GuestNames($0) }
  }

  /// Searches all memory for more spaces, taking those named by the guest so far as known.
  ///
  /// - Parameter progress: gets the fraction done, 0 to 1; returning false stops the search.
  /// - Returns: whether it reached its end.
  package func scan(_ progress: @escaping (Double) -> Bool) -> Bool {
    guard !isComplete else { return true }
    if let earlier, earlier.isComplete, names != nil {
      let known = spaces
      state.withLock { state in
        state.found = search.adding(earlier.spaces, to: known)
        state.isComplete = true
        state.named = nil
      }
      return true
    }
    guard let found = search.scan(known: spaces, progress: progress), progress(1) else { return false }
    state.withLock { state in
      state.found = found
      state.isComplete = true
      state.named = nil
    }
    return true
  }

  /// The steps that take time, by the names that timings give them.
  package enum Step: String, Sendable {
    case guest = "names"
    case scan = "spaces"
  }

  /// Performs one step; `work` reports the fraction done, 0 to 1, and stops when that returns false.
  package typealias Performer = (
    _ step: Step, _ work: (_ progress: @escaping (Double) -> Bool) -> Void
  ) -> Void

  /// All spaces with their names: every step, one after the other. The guest names its processes' spaces without a
  /// scan, which then adds those that nobody owns, and may lead to a guest in turn.
  ///
  /// - Parameter perform: runs each step that is called for, to time it and to show its progress.
  package func all(_ perform: Performer = { $1 { _ in true } }) throws(SpaceSearchError) -> FoundSpaces {
    _ = try known()
    readGuest(by: perform)
    perform(.scan) { _ = scan($0) }
    readGuest(by: perform)
    return spaces
  }

  /// `readGuest` as a step, where there is anything to search.
  package func readGuest(by perform: Performer) {
    guard !isGuestSettled else { return }
    if search.mayHoldGuest { perform(.guest) { readGuest($0) } } else { readGuest() }
  }

  /// Where the kernel's part begins in spaces read by a scheme.
  package func kernelStart(of spaces: [AddressSpace], _ scheme: PagingScheme) -> VirtualAddress {
    search.kernelStart(of: spaces, scheme, isLinux: names?.guest != nil)
  }
}

extension FoundSpaces {
  fileprivate var roots: [PhysicalAddress] { spaces.map(\.space.root) }
}
