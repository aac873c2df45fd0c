/// What several paths allow: one bit per combination of rights, set if some path has exactly that combination.
struct RightsSet: Hashable, Sendable {
  private var bits: UInt64 = 0

  init() {}

  init(_ rights: Rights) { bits = 1 << UInt64(rights.rawValue) }

  mutating func formUnion(_ other: RightsSet) { bits |= other.bits }

  /// Whether some path is open to the user; the 8 combinations without a user right are the lowest 8 bits.
  var hasUser: Bool { bits & ~0xff != 0 }

  /// Whether some path is open to the supervisor only.
  var hasSupervisorOnly: Bool { bits & 0xff != 0 }

  /// What the paths allow after passing through an entry that allows `rights`.
  func through(_ rights: Rights) -> RightsSet {
    if rights == .all { return self }
    var result = RightsSet()
    forEach { result.bits |= 1 << UInt64($0.intersection(rights).rawValue) }
    return result
  }

  /// Whether `isWanted` is true for the rights of some path.
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
