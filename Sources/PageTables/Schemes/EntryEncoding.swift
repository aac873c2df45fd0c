/// Why a format cannot encode the requested entry.
public enum EncodingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Entries of this level cannot be of that kind: the level has no leaves, or only leaves.
  case noSuchKind(EntryKind)
  /// The entry cannot hold this address: too high, or not aligned to what the entry maps.
  case address(PhysicalAddress)
  /// The entry cannot express exactly this access.
  case access(Access)
  /// The scheme has no such software mark, or an entry with that mark would be read as something else.
  case noSuchMark(String)

  /// One line that says what to do.
  public var description: String {
    switch self {
    case .noSuchKind(.table): "an entry of this level cannot point at a table; choose a level above the last"
    case .noSuchKind(.leaf): "an entry of this level cannot map a page; choose another page size"
    case .noSuchKind(let kind): "the format has no \(kind) entry at this level"
    case .address(let address):
      "an entry cannot hold the address \(AddressText.hex(address.value)); choose a lower, aligned one"
    case .access(let access):
      "an entry cannot allow just \(access.names); choose what the paging scheme can tell apart"
    case .noSuchMark(let name): "the paging scheme has no mark '\(name)'; name one of its marks"
    }
  }
}

extension AddressFormat {
  /// The bits of an entry that hold `address`; nil where the format cannot hold all of it.
  public func encoded(_ address: PhysicalAddress) -> UInt64? {
    let bits = (address.value &>> shift) & mask | (address.value &>> highShift) & highMask
    return self.address(in: bits) == address ? bits : nil
  }

  /// One past the highest address below which the format can hold every frame; at most 2^63.
  var limit: PhysicalAddress {
    let reach = address(in: .max).value | (Frame.size - 1)
    return PhysicalAddress(1 &<< UInt64(min((~reach).trailingZeroBitCount, 63)))
  }
}

extension BitTest {
  /// `raw` with the fewest changes that make it pass the test, or fail it; nil where that is impossible.
  fileprivate func applied(to raw: UInt64, passing: Bool) -> UInt64? {
    guard matches(raw) != passing else { return raw }
    let makesEqual = passing != isInverted
    let changed = makesEqual ? raw & ~mask | value : raw ^ (mask & (~mask &+ 1))
    return matches(changed) == passing ? changed : nil
  }
}

extension EntryFormat {
  /// An entry that points at a table and by itself allows `access`; all other bits are 0.
  public func entry(
    pointingAt table: PhysicalAddress, access: Access = .all
  ) throws(EncodingError) -> UInt64 {
    try encode(.table, address: table, access: access)
  }

  /// A leaf that maps the page at `frame` and allows `access`; all other bits are 0.
  public func leaf(at frame: PhysicalAddress, access: Access) throws(EncodingError) -> UInt64 {
    try encode(.leaf, address: frame, access: access)
  }

  /// The same entry with another address and all other bits unchanged. The entry must point at a table or be a
  /// leaf.
  public func entry(_ raw: UInt64, movedTo address: PhysicalAddress) throws(EncodingError) -> UInt64 {
    let kind = kind(of: raw)
    guard kind == .table || kind == .leaf else { throw .noSuchKind(kind) }
    let format = kind == .table ? tableAddress : leafAddress
    guard let bits = format.encoded(address) else { throw .address(address) }
    let moved = raw & ~format.allBits | bits
    guard self.kind(of: moved) == kind, fits(moved) else { throw .address(address) }
    return moved
  }

  /// The least access that a leaf can grant and still allow `access`: formats without an execute-disable bit cannot
  /// forbid execution.
  public func leastAccess(allowing access: Access) -> Access {
    var least = access
    let permissions: [(Access, AccessRule)] = [
      (.write, rights.write), (.user, rights.userRead), (.execute, rights.execute),
    ]
    for (permission, rule) in permissions where rule.leaf.applied(to: 0, passing: false) == nil {
      least.formUnion(permission)
    }
    return least
  }

  private func fits(_ raw: UInt64) -> Bool { entrySize >= 8 || raw &>> UInt64(8 * entrySize) == 0 }

  /// Builds the entry test by test, then decodes it to verify it: rules that contradict each other show there.
  private func encode(
    _ kind: EntryKind, address: PhysicalAddress, access: Access
  ) throws(EncodingError) -> UInt64 {
    let isTable = kind == .table
    guard let shown = present.applied(to: 0, passing: true),
      var raw = pointsAtTable.applied(to: shown, passing: isTable)
    else { throw .noSuchKind(kind) }
    let wanted = Rights(access)
    for (right, rule) in rights.all {
      let test = isTable ? rule.table : rule.leaf
      guard let next = test.applied(to: raw, passing: wanted.contains(right)) else {
        throw .access(access)
      }
      raw = next
    }
    let format = isTable ? tableAddress : leafAddress
    guard let bits = format.encoded(address), raw & format.allBits == 0 else { throw .address(address) }
    raw |= bits
    guard self.kind(of: raw) == kind, fits(raw) else { throw .noSuchKind(kind) }
    guard self.access(of: raw, kind: kind) == access else { throw .access(access) }
    return raw
  }
}

extension PagingScheme {
  /// An entry that is not present and carries the software mark with that name, such as that of a guard page.
  public func entry(marked name: String) throws(EncodingError) -> UInt64 {
    guard let mark = marks.first(where: { $0.name == name }),
      levels.allSatisfy({ $0.format.kind(of: mark.test.value) == .marked }),
      self.mark(in: mark.test.value, level: levels.count - 1)?.name == name
    else { throw .noSuchMark(name) }
    return mark.test.value
  }

  /// One past the highest address at which a table can lie, whichever level points at it; at most 2^63.
  var tableLimit: PhysicalAddress {
    levels.dropLast().map(\.format.tableAddress.limit).min() ?? PhysicalAddress(1 << 63)
  }
}
