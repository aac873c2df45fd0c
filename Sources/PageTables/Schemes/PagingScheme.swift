/// One level of a paging scheme: how its tables are indexed and how their entries read.
public struct PagingLevel: Hashable, Sendable {
  /// The table's name in the manual: `PML4`, `PD`.
  public let name: String
  /// log2 of the bytes that one entry covers.
  public let shift: Int
  /// log2 of the number of entries in a table.
  public let indexBits: Int
  /// How its entries read.
  public let format: EntryFormat
  /// Fields of an entry that points at a table, low bits first: what views show of it. Empty at the last level, and
  /// where nobody has named them.
  public let tableFields: [EntryField]
  /// Fields of a leaf, low bits first: what views show of it. Empty where no leaf is allowed, and where nobody has
  /// named them: that there are none says nothing of whether an entry can be a leaf, which `allowsLeaves` does.
  public let leafFields: [EntryField]
  /// Whether some entry of this level is a leaf, by its format. Fields of leaves without it would never be shown.
  public let allowsLeaves: Bool

  /// A level whose tables have 1 << `indexBits` entries, each for 1 << `shift` bytes.
  public init(
    name: String, shift: Int, indexBits: Int, format: EntryFormat, tableFields: [EntryField],
    leafFields: [EntryField]
  ) {
    self.name = name
    self.shift = shift
    self.indexBits = indexBits
    self.format = format
    self.tableFields = tableFields
    self.leafFields = leafFields
    allowsLeaves = format.allowsLeaves
    precondition(leafFields.isEmpty || allowsLeaves, "a level without leaves has no fields of them")
  }

  /// Entries in a table.
  public var entryCount: Int { 1 << indexBits }
  /// Bytes in a table, 32 (a PAE root) to several pages.
  public var tableSize: UInt64 { UInt64(format.entrySize) << UInt64(indexBits) }
  /// Bytes of address space below one entry; the page size of a leaf here.
  public var span: UInt64 { 1 << UInt64(shift) }

  /// The index that `address` selects in a table of this level.
  public func slot(of address: VirtualAddress) -> Int {
    Int(truncatingIfNeeded: (address.value >> UInt64(shift)) & UInt64(entryCount - 1))
  }

  /// The fields of a raw entry, depending on its kind.
  public func fields(of raw: UInt64) -> [EntryField] {
    switch format.kind(of: raw) {
    case .table: tableFields
    case .leaf: leafFields
    case .malformed: format.pointsAtTable.matches(raw) || !allowsLeaves ? tableFields : leafFields
    case .absent, .marked: []
    }
  }

  /// Every bit of a leaf outside the address: leaves that agree in these bits have the same attributes.
  public var leafAttributes: UInt64 { ~format.leafAddress.allBits }
}

/// The format of page tables, as a value that the walker, the graph and the views read; none of them knows an
/// architecture by name.
public struct PagingScheme: Hashable, Sendable {
  /// The name that `--paging` takes: `x86-64`.
  public let name: String
  /// The name without the number of address bits, where that is open: one family has the same entries.
  public let family: String
  /// The name shown to people: `x86-64 4-level`.
  public let title: String
  /// The number of virtual address bits that the tables translate.
  public let virtualAddressBits: Int
  /// Whether the bits above these are copies of the top one (canonical form) rather than 0.
  public let isSignExtended: Bool
  /// The register that holds the root: `CR3`; where a space has two, that of the window at the bottom.
  public let rootRegister: String
  /// The register that holds the root of a second window, whose last address is the highest of all: `TTBR1_EL1`. Nil
  /// where one root translates all addresses.
  public let upperRootRegister: String?
  /// What pointers may hold above the translated bits; nil where they must hold copies of one of them.
  public let pointerTags: PointerTags?
  /// The bits of that register that hold the root's address; the others are PCID, cache or mode bits.
  public let rootAddress: AddressFormat
  /// The alignment of a root, in bytes.
  public let rootAlignment: UInt64
  /// The levels, root first.
  public private(set) var levels: [PagingLevel]
  /// What the operating system keeps in entries that are not present; the first match wins. A scheme has no marks
  /// by default: whoever identifies the system sets those that apply.
  public private(set) var marks: [SoftwareMark]
  /// Whether the supervisor may write pages whose entries forbid writing.
  public let supervisorWritesReadOnly: Bool
  /// Whether the supervisor may not execute what the user may write, whatever the entries say of it.
  public let userWritableIsNeverExecutedBySupervisor: Bool
  /// Whether some entry says apart what each privilege may. Otherwise what the user may follows from whether it may
  /// come at all and from what the supervisor may, as on x86.
  package let tellsPrivilegesApart: Bool

  /// A scheme with these levels, root first.
  ///
  /// Preconditions:
  /// - There are 1 to 8 levels; the last holds leaves only: its `pointsAtTable` is `.never`.
  /// - A table has at most 2^26 entries, and an entry covers less than 2^64 bytes.
  /// - `rootAlignment` is a power of 2, at least 16, and so are the addresses of tables multiples of 16.
  /// - `virtualAddressBits` is 1 to 64.
  public init(
    name: String, family: String? = nil, title: String, virtualAddressBits: Int, isSignExtended: Bool,
    rootRegister: String,
    upperRootRegister: String? = nil, pointerTags: PointerTags? = nil, rootAddress: AddressFormat,
    rootAlignment: UInt64,
    levels: [PagingLevel],
    marks: [SoftwareMark] = [.software], supervisorWritesReadOnly: Bool = false,
    userWritableIsNeverExecutedBySupervisor: Bool = false
  ) {
    precondition((1...PagingScheme.mostLevels).contains(levels.count), "a scheme has 1 to 8 levels")
    precondition(levels.last?.format.pointsAtTable == .never, "the last level holds leaves only")
    precondition(
      levels.allSatisfy {
        (0..<64).contains($0.shift) && (0...PagingScheme.mostIndexBits).contains($0.indexBits)
      },
      "a table has at most 2^26 entries, which cover less than 2^64 bytes each")
    precondition(
      rootAlignment >= PagingScheme.leastAlignment && rootAlignment & (rootAlignment - 1) == 0,
      "a root's alignment is a power of 2, at least 16")
    precondition(
      levels.allSatisfy {
        $0.format.tableAddress.address(in: .max).value & (PagingScheme.leastAlignment - 1) == 0
      }, "tables lie at multiples of 16")
    precondition((1...64).contains(virtualAddressBits), "1 to 64 address bits are translated")
    self.name = name
    self.family = family ?? name
    self.title = title
    self.virtualAddressBits = virtualAddressBits
    self.isSignExtended = isSignExtended
    self.rootRegister = rootRegister
    self.upperRootRegister = upperRootRegister
    self.pointerTags = pointerTags
    self.rootAddress = rootAddress
    self.rootAlignment = rootAlignment
    self.levels = levels
    self.marks = marks
    self.supervisorWritesReadOnly = supervisorWritesReadOnly
    self.userWritableIsNeverExecutedBySupervisor = userWritableIsNeverExecutedBySupervisor
    tellsPrivilegesApart = levels.contains { !$0.format.rights.isOneForBoth }
  }

  /// A table's level fits 3 bits; with other small numbers, below the least alignment, it completes an address to a
  /// key.
  static let mostLevels = 8
  static let leastAlignment: UInt64 = 16
  /// log2 of the entries that a table can have at most.
  static let mostIndexBits = 26

  /// The same scheme with other marks.
  public func keeping(_ marks: [SoftwareMark]) -> PagingScheme {
    var scheme = self
    scheme.marks = marks
    return scheme
  }

  /// Whether another scheme reads tables the same way, whatever either knows to say of entries: software marks, names
  /// of fields and of their values.
  public func readsAs(_ other: PagingScheme) -> Bool { self == other || unnamed == other.unnamed }

  /// The same scheme without that.
  private var unnamed: PagingScheme {
    var scheme = keeping([])
    scheme.levels = levels.map {
      PagingLevel(
        name: $0.name, shift: $0.shift, indexBits: $0.indexBits, format: $0.format, tableFields: [],
        leafFields: [])
    }
    return scheme
  }

  /// The rights of a path as they are shown: where entries do not tell the privileges apart, those of the short form.
  /// That the supervisor may write what is read-only, where write protection does not bind it, is then said elsewhere.
  package func shown(_ rights: Rights) -> Rights {
    tellsPrivilegesApart ? rights : Rights(rights.access)
  }

  /// Whether an entry can be a fault though it is present and none of its reserved bits is set.
  package var hasFaultyForms: Bool { levels.contains { $0.format.faulty.count > 0 } }

  /// The address with the bits above the translated ones filled in: copies of the top bit, or 0.
  public func canonical(_ address: UInt64) -> VirtualAddress {
    guard virtualAddressBits < 64 else { return VirtualAddress(address) }
    let unused = UInt64(64 - virtualAddressBits)
    if isSignExtended {
      return VirtualAddress(UInt64(bitPattern: Int64(bitPattern: address &<< unused) &>> Int64(unused)))
    }
    return VirtualAddress((address &<< unused) &>> unused)
  }

  /// The address without the low bits that a root cannot have, as the processor would read it.
  func aligned(root: PhysicalAddress) -> PhysicalAddress {
    PhysicalAddress(root.value & ~(rootAlignment &- 1))
  }

  /// Whether `length` bytes (at least 1) from `first` on are consecutive, without the gap between the halves.
  func canSpan(_ first: VirtualAddress, length: UInt64) -> Bool {
    let (last, overflow) = first.value.addingReportingOverflow(length &- 1)
    guard length > 0, !overflow, isCanonical(first), isCanonical(VirtualAddress(last)) else { return false }
    let top = UInt64(1) &<< UInt64(virtualAddressBits - 1)
    return !isSignExtended || (first.value ^ last) & top == 0
  }

  /// Whether the processor would accept the address.
  public func isCanonical(_ address: VirtualAddress) -> Bool { canonical(address.value) == address }

  /// The canonical address nearest to the given one.
  public func nearestCanonical(to address: VirtualAddress) -> VirtualAddress {
    guard !isCanonical(address) else { return address }
    let half = UInt64(1) << UInt64(virtualAddressBits - 1)
    guard isSignExtended else { return VirtualAddress(half &- 1 &+ half) }
    let below = VirtualAddress(half &- 1)
    return address.value &- below.value <= upperHalf.value &- address.value ? below : upperHalf
  }

  /// Whether an entry can forbid execution at all.
  public var canForbidExecution: Bool {
    levels.contains { $0.format.rights.execute.leaf.mask & ~$0.format.leafReserved != 0 }
  }

  /// The bit of an entry that marks encrypted memory, if there is one.
  public var encryptionBit: Int? {
    levels.last?.leafFields.first { $0.role == .encryption }?.lowBit
  }

  /// The highest value of the translated bits.
  var lastOffset: UInt64 { virtualAddressBits >= 64 ? .max : (1 &<< UInt64(virtualAddressBits)) &- 1 }

  /// Bytes in the smallest page.
  public var pageSize: UInt64 { levels.last?.span ?? Frame.size }

  /// The lowest address of the upper half, where kernels live.
  public var upperHalf: VirtualAddress { canonical(1 << UInt64(virtualAddressBits - 1)) }
}
