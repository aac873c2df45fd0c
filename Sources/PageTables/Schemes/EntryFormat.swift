/// What an entry is, as the processor reads it.
public enum EntryKind: UInt8, Sendable {
  /// Not present, and empty.
  case absent
  /// Not present for the processor, but software keeps something in it: a swap slot, PROT_NONE, a guard mark.
  case marked
  /// Points at a table one level down.
  case table
  /// Maps a frame.
  case leaf
  /// Present, with reserved bits set or in a form that this level does not allow: the processor faults.
  case malformed
}

/// Forms of a present entry that cause a fault: up to 8 tests in a plain value, so that a loop over entries needs
/// no reference counting.
public struct FaultyForms: Hashable, Sendable {
  private var tests: (BitTest, BitTest, BitTest, BitTest, BitTest, BitTest, BitTest, BitTest)
  /// How many forms there are.
  public let count: Int
  /// All bits that the forms test.
  public let mask: UInt64

  /// At most 8 forms.
  public init(_ forms: [BitTest]) {
    precondition(forms.count <= 8, "an entry has at most 8 faulty forms")
    let all = forms + [BitTest](repeating: .never, count: 8 - forms.count)
    tests = (all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7])
    count = forms.count
    mask = forms.reduce(0) { $0 | $1.mask }
  }

  /// No faulty forms.
  public static let none = FaultyForms([])

  /// Whether an entry has one of the forms.
  public func matches(_ raw: UInt64) -> Bool {
    guard count > 0 else { return false }
    return tests.0.matches(raw) || tests.1.matches(raw) || tests.2.matches(raw) || tests.3.matches(raw)
      || tests.4.matches(raw) || tests.5.matches(raw) || tests.6.matches(raw) || tests.7.matches(raw)
  }

  /// The forms, in the order given.
  public var forms: [BitTest] {
    Array(
      [tests.0, tests.1, tests.2, tests.3, tests.4, tests.5, tests.6, tests.7].prefix(count))
  }

  /// Whether the forms are the same, in the same order.
  public static func == (left: FaultyForms, right: FaultyForms) -> Bool { left.forms == right.forms }
  /// By its forms.
  public func hash(into hasher: inout Hasher) { hasher.combine(forms) }
}

/// Leaves that belong together: naturally aligned, a power of 2 of them, all alike. Either they map one larger page,
/// and the slot tells which part of it an entry maps (RISC-V Privileged Specification, "Svnapot"), or each maps a page
/// of its own and a TLB may hold all of them as one (Arm DDI 0487, D8.7, the Contiguous bit).
public struct ContiguousForm: Hashable, Sendable {
  /// Whether a leaf is one of such a group.
  public let test: BitTest
  /// log2 of the entries in a group.
  public let entryBits: Int
  /// The bits in which the entries of a group may differ, besides their addresses: the processor changes them in one
  /// entry alone, or ignores them.
  public let changing: UInt64

  /// A leaf that passes `test` is one of 1 << `entryBits` entries that belong together.
  public init(test: BitTest, entryBits: Int, changing: UInt64 = 0) {
    self.test = test
    self.entryBits = entryBits
    self.changing = changing
  }
}

/// The part of a level's description that the walker needs: plain masks, without reference counting.
public struct EntryFormat: Hashable, Sendable {
  /// Bytes in an entry: 4 or 8.
  public let entrySize: Int
  /// Whether the processor looks at the entry at all.
  public var present: BitTest
  /// Whether a present entry points at a table; otherwise it is a leaf.
  public var pointsAtTable: BitTest
  /// Forms of a present entry that fault, whatever the reserved bits are.
  public var faulty: FaultyForms
  /// Where an entry that points at a table holds that table's address.
  public var tableAddress: AddressFormat
  /// Where a leaf holds its frame's address.
  public var leafAddress: AddressFormat
  /// Bits that must be 0 where the entry points at a table.
  public var tableReserved: UInt64
  /// Bits that must be 0 where the entry is a leaf.
  public var leafReserved: UInt64
  /// Bits in an entry that points at a table which the manual reserves, but which emulators and some virtual
  /// machines ignore: the entry is followed all the same.
  public var tableTolerated: UInt64
  /// What an entry allows to each privilege.
  public var rights: RightsRules
  /// Leaves that each map a part of one larger page; nil where every leaf maps its own page.
  public var contiguous: ContiguousForm?
  /// Leaves that each map a page of their own, and say that a TLB may hold a group of them as one: no page size, and of
  /// no matter for what is mapped.
  public var contiguousHint: ContiguousForm?

  /// - Parameters:
  ///   - entrySize: bytes, little-endian. Precondition: 4 or 8.
  ///   - tableReserved: bits that must be 0 in an entry that points at a table; `leafReserved` is the same for a
  ///     leaf.
  public init(
    entrySize: Int, present: BitTest, pointsAtTable: BitTest, faulty: FaultyForms = .none,
    tableAddress: AddressFormat, leafAddress: AddressFormat, tableReserved: UInt64 = 0,
    leafReserved: UInt64 = 0, tableTolerated: UInt64 = 0, rights: RightsRules,
    contiguous: ContiguousForm? = nil, contiguousHint: ContiguousForm? = nil
  ) {
    precondition(entrySize == 4 || entrySize == 8, "an entry has 4 or 8 bytes")
    self.entrySize = entrySize
    self.present = present
    self.pointsAtTable = pointsAtTable
    self.faulty = faulty
    self.tableAddress = tableAddress
    self.leafAddress = leafAddress
    self.tableReserved = tableReserved
    self.leafReserved = leafReserved
    self.tableTolerated = tableTolerated
    self.rights = rights
    self.contiguous = contiguous
    self.contiguousHint = contiguousHint
  }

  /// The kind of an entry: depends on whether it is present, then on faulty forms, then on reserved bits.
  @inlinable
  public func kind(of raw: UInt64) -> EntryKind {
    guard present.matches(raw) else { return raw == 0 ? .absent : .marked }
    if faulty.count > 0, faulty.matches(raw) { return .malformed }
    if pointsAtTable.matches(raw) { return raw & tableReserved == 0 ? .table : .malformed }
    return raw & leafReserved == 0 ? .leaf : .malformed
  }

  /// What this entry by itself allows to each privilege.
  @inline(__always)
  public func rights(of raw: UInt64, kind: EntryKind) -> Rights {
    kind == .table ? rights.rights(ofTable: raw) : rights.rights(ofLeaf: raw)
  }

  /// The same in the short form.
  public func access(of raw: UInt64, kind: EntryKind) -> Access { Access(rights(of: raw, kind: kind)) }
}

extension PagingLevel {
  /// Where the page starts that a leaf at `slot` maps; where several entries map one page, where this entry's part
  /// starts.
  public func frame(of raw: UInt64, slot: Int) -> PhysicalAddress {
    format.frame(of: raw, slot: slot, shift: UInt64(shift))
  }

  /// Bytes in the page that a leaf belongs to: what its entry covers, or more where several entries map one page.
  public func pageSize(of raw: UInt64) -> UInt64 {
    guard let form = format.contiguous, form.test.matches(raw) else { return span }
    return span << UInt64(form.entryBits)
  }
}

extension EntryFormat {
  /// Where the memory starts that a leaf at `slot` maps; it has 1 << `shift` bytes.
  @inline(__always)
  func frame(of raw: UInt64, slot: Int, shift: UInt64) -> PhysicalAddress {
    let address = leafAddress.address(in: raw)
    guard let contiguous, contiguous.test.matches(raw) else { return address }
    let low = (UInt64(1) &<< UInt64(contiguous.entryBits)) &- 1
    let part = (UInt64(truncatingIfNeeded: slot) & low) &<< shift
    return PhysicalAddress(address.value & ~(((low &+ 1) &<< shift) &- 1) | part)
  }
}
