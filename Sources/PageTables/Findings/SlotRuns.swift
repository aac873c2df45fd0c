/// Entries of one table found for the same reason; adjacent ones form a run.
struct SlotRuns {
  struct Run {
    let slot: Int
    var count: Int
    /// The first entry's raw value.
    let raw: UInt64
    /// What each entry by itself allows.
    let rights: Rights
  }

  private(set) var runs: [Run] = []

  /// Adds an entry; entries must be added in slot order.
  @inline(__always)
  mutating func add(_ slot: Int, _ raw: UInt64, _ rights: Rights) {
    if let last = runs.last, last.slot &+ last.count == slot, last.rights == rights {
      runs[runs.count - 1].count &+= 1
    } else {
      runs.append(Run(slot: slot, count: 1, raw: raw, rights: rights))
    }
  }
}
