/// What several paths allow: a bit for each combination of rights that some path has exactly.
struct RightsSet: Hashable, Sendable {
  private var bits: UInt64 = 0

  init() {}

  init(_ rights: Rights) { bits = 1 << UInt64(rights.rawValue) }

  mutating func formUnion(_ other: RightsSet) { bits |= other.bits }

  /// Whether some path is open to the user; the combinations without a right of the user are the first 8.
  var hasUser: Bool { bits & ~0xff != 0 }

  /// Whether some path is the supervisor's alone.
  var hasSupervisorOnly: Bool { bits & 0xff != 0 }

  /// What the paths allow after an entry that allows `rights`.
  func through(_ rights: Rights) -> RightsSet {
    if rights == .all { return self }
    var result = RightsSet()
    forEach { result.bits |= 1 << UInt64($0.intersection(rights).rawValue) }
    return result
  }

  /// Whether what some path allows answers true.
  func contains(where isWanted: (Rights) -> Bool) -> Bool {
    var isFound = false
    forEach { isFound = isFound || isWanted($0) }
    return isFound
  }

  @inline(__always)
  private func forEach(_ body: (Rights) -> Void) {
    var rest = bits
    while rest != 0 {
      body(Rights(rawValue: UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)))
      rest &= rest &- 1
    }
  }
}
