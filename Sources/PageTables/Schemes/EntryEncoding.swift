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

  /// One past the highest address below which the format can hold every address of its alignment; at most 2^63.
  var limit: PhysicalAddress {
    let reach = address(in: .max).value
    // Bits below the lowest one are 0 in all of them.
    let inPlace = (reach & (0 &- reach)) &- 1
    return PhysicalAddress(1 &<< UInt64(min((~(reach | inPlace)).trailingZeroBitCount, 63)))
  }
}

/// What an entry that is made must be like: the bits that are settled so far, and what is left to choose. Bits that
/// nothing asks for are 0.
private struct EntryDraft {
  /// The bits as they stand.
  private(set) var raw: UInt64 = 0
  /// The bits that must stay as they are.
  private var settled: UInt64 = 0
  /// Bits of which one must differ from a value: tests that may not be equal.
  private var differing: [(mask: UInt64, value: UInt64)] = []
  /// Whether bits are asked to be both 0 and 1.
  private var isImpossible = false

  /// The bits under `mask` must be those of `value`.
  mutating func settle(_ mask: UInt64, to value: UInt64) {
    if value & ~mask != 0 || (raw ^ value) & mask & settled != 0 { isImpossible = true }
    settled |= mask
    raw = raw & ~mask | value & mask
  }

  /// The entry must pass the test, or fail it.
  mutating func require(_ test: BitTest, _ passing: Bool) {
    if passing != test.isInverted {
      settle(test.mask, to: test.value)
    } else if test.value & ~test.mask == 0 {
      differing.append((test.mask, test.value))
    }
  }

  /// The entry, changed as little as that takes; nil where there is none.
  func solved() -> UInt64? {
    isImpossible ? nil : solved(from: 0, raw, settled)
  }

  /// Settles for each of the tests that are left one bit in which it differs: one that does so as it stands, else the
  /// lowest that leaves a way for the others.
  private func solved(from first: Int, _ raw: UInt64, _ settled: UInt64) -> UInt64? {
    guard first < differing.count else { return raw }
    let (mask, value) = differing[first]
    let different = (raw ^ value) & mask
    if different & settled != 0 { return solved(from: first + 1, raw, settled) }
    for var choices in [different, mask & ~settled & ~different] {
      while choices != 0 {
        let bit = choices & (~choices &+ 1)
        choices ^= bit
        let changed = raw & ~bit | ~value & bit
        if let solved = solved(from: first + 1, changed, settled | bit) { return solved }
      }
    }
    return nil
  }
}

extension EntryFormat {
  /// An entry that points at a table and by itself allows `access`; all other bits are 0.
  public func entry(
    pointingAt table: PhysicalAddress, access: Access = .all
  ) throws(EncodingError) -> UInt64 {
    try encode(.table, address: table, rights: Rights(access))
  }

  /// A leaf that maps the page at `frame` and allows `access`; all other bits are 0.
  public func leaf(at frame: PhysicalAddress, access: Access) throws(EncodingError) -> UInt64 {
    try leaf(at: frame, rights: Rights(access))
  }

  /// The same with what it allows to each privilege.
  func leaf(at frame: PhysicalAddress, rights: Rights) throws(EncodingError) -> UInt64 {
    try encode(.leaf, address: frame, rights: rights)
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
    for (permission, rule) in permissions {
      var draft = EntryDraft()
      draft.require(rule.leaf, false)
      if draft.solved() == nil { least.formUnion(permission) }
    }
    return least
  }

  /// Whether some entry is a leaf.
  var allowsLeaves: Bool {
    var draft = EntryDraft()
    shape(&draft, as: .leaf)
    forbidFaults(of: .leaf, in: &draft)
    return draft.solved() != nil
  }

  private func fits(_ raw: UInt64) -> Bool { entrySize >= 8 || raw &>> UInt64(8 * entrySize) == 0 }

  /// The entry is present, and a leaf or points at a table.
  private func shape(_ draft: inout EntryDraft, as kind: EntryKind) {
    draft.require(present, true)
    draft.require(pointsAtTable, kind == .table)
  }

  /// No reserved bit is set, no form is faulty, and a leaf is a page of its own.
  private func forbidFaults(of kind: EntryKind, in draft: inout EntryDraft) {
    draft.settle(kind == .table ? tableReserved | tableTolerated : leafReserved, to: 0)
    if entrySize < 8 { draft.settle(~0 << UInt64(8 * entrySize), to: 0) }
    if faulty.count > 0 { for form in faulty.forms { draft.require(form, false) } }
    if kind == .leaf, let contiguous { draft.require(contiguous.test, false) }
  }

  /// Collects what the entry must be like, and has it made; what cannot be had is the first thing that is too much.
  private func encode(
    _ kind: EntryKind, address: PhysicalAddress, rights wanted: Rights
  ) throws(EncodingError) -> UInt64 {
    let isTable = kind == .table
    let format = isTable ? tableAddress : leafAddress
    var draft = EntryDraft()
    shape(&draft, as: kind)
    let shaped = draft
    for (right, rule) in rights.all {
      draft.require(isTable ? rule.table : rule.leaf, wanted.contains(right))
    }
    let allowing = draft
    guard let bits = format.encoded(address) else {
      throw Self.error(shaped, allowing, kind, address, wanted)
    }
    draft.settle(format.allBits, to: bits)
    let placed = draft
    forbidFaults(of: kind, in: &draft)
    guard let raw = draft.solved() else {
      throw placed.solved() == nil ? Self.error(shaped, allowing, kind, address, wanted) : .noSuchKind(kind)
    }
    return raw
  }

  /// Why an entry with an address cannot be had.
  private static func error(
    _ shaped: EntryDraft, _ allowing: EntryDraft, _ kind: EntryKind, _ address: PhysicalAddress,
    _ rights: Rights
  ) -> EncodingError {
    if shaped.solved() == nil { return .noSuchKind(kind) }
    return allowing.solved() == nil ? .access(rights.access) : .address(address)
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
