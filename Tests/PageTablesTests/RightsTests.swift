import TestSupport
import Testing

@testable import PageTables

/// Rights that are not one for both privileges: as letters, in filters, and in entries that are made.
@Suite struct RightsTests {
  /// What each privilege may: its letters in the order read, write, execute; and both as people read them.
  @Test(arguments: [
    ("rwx", "rwx", "rwxu"), ("r-x", "r-x", "r-xu"), ("rw-", "rw-", "rw-u"), ("r--", "r--", "r--u"),
    ("rwx", "---", "rwx-"), ("r--", "---", "r---"),
    ("rwx", "rw-", "rwx/rw-"), ("rw-", "rwx", "rw-/rwx"), ("rw-", "r--", "rw-/r--"),
    ("rw-", "r-x", "rw-/r-x"),
    ("---", "rwx", "---/rwx"), ("r-x", "--x", "r-x/--x"), ("--x", "---", "--x/---"),
    ("---", "---", "---/---"),
  ])
  func lettersSayWhatDiffers(_ supervisor: String, _ user: String, _ letters: String) {
    let rights = Self.rights(supervisor, user)
    #expect(rights.letters == letters)
    #expect(rights.isPlain == !letters.contains("/"))
    #expect(rights.apart == (letters.contains("/") ? letters : nil))
    if rights.isPlain { #expect(rights.access.letters == letters) }
  }

  private static func rights(_ supervisor: String, _ user: String) -> Rights {
    let all: [Rights] = [.read, .write, .execute, .userRead, .userWrite, .userExecute]
    return zip(all, supervisor + user).reduce([]) { $1.1 == "-" ? $0 : $0.union($1.0) }
  }

  /// While CR0.WP is clear, the supervisor writes what is read-only: said apart, and no matter of letters.
  @Test func x86IsShownAsEver() {
    var features = ProcessorFeatures()
    features.writeProtect = false
    for scheme in X86.all() + X86.all(features) {
      #expect(!scheme.tellsPrivilegesApart && !scheme.hasFaultyForms)
      let userReadOnly = scheme.granted(by: Rights([.user, .execute] as Access))
      #expect(scheme.shown(userReadOnly).letters == "r-xu")
      for bits in 0..<8 as Range<UInt8> {
        let rights = Rights(Access(rawValue: bits))
        #expect(scheme.shown(rights) == rights)
      }
    }
    let split = InventedScheme.splitRights.scheme(levels: 2)
    #expect(split.tellsPrivilegesApart && split.hasFaultyForms)
    #expect(split.shown([.read, .write, .userRead]).letters == "rw-/r--")
  }

  @Test(arguments: [
    ("w", ["rwx/rw-", "rw-/r-x", "r-x/rwx", "rwxu", "rw--"]),
    ("!w", ["r-x/r--", "r-xu"]),
    ("x", ["rwx/rw-", "rw-/r-x", "r-x/rwx", "r-x/r--", "rwxu", "r-xu"]),
    ("!x", ["rw--"]),
    // Each letter by itself.
    ("wx", ["rwx/rw-", "rw-/r-x", "r-x/rwx", "rwxu"]),
    ("!wx", []),
    ("u", ["rwx/rw-", "rw-/r-x", "r-x/rwx", "r-x/r--", "rwxu", "r-xu"]),
    ("s", ["rw--"]),
  ])
  func aFilterLetsPassWhatEitherPrivilegeMay(_ filter: String, _ passing: [String]) throws {
    let all: [Rights] = [
      Self.rights("rwx", "rw-"), Self.rights("rw-", "r-x"), Self.rights("r-x", "rwx"),
      Self.rights("r-x", "r--"),
      Self.rights("rwx", "rwx"), Self.rights("r-x", "r-x"), Self.rights("rw-", "---"),
    ]
    let words = try LeafFilter(filter)
    let found = all.filter { words.matches(rights: $0, pageSize: 4096, smallestPage: 4096) }
    #expect(found.map(\.letters) == passing)
  }

  // MARK: Entries that are made

  /// Present by bit 0; bit 1 must be 1; the supervisor may not execute with bit 5 set, the user with bit 6, nobody
  /// write with bit 4; the user comes with bit 2.
  private static let format: EntryFormat = {
    let (user, write) = (BitTest.set(2), BitTest.clear(4))
    return EntryFormat(
      entrySize: 8, present: .set(0), pointsAtTable: .never,
      faulty: FaultyForms([.clear(1), BitTest(mask: 0x300, value: 0), BitTest(mask: 0x600, value: 0x200)]),
      tableAddress: AddressFormat(mask: 0xffff_f000), leafAddress: AddressFormat(mask: 0xffff_f000),
      rights: RightsRules(
        write: AccessRule(write), execute: AccessRule(.clear(5)), userRead: AccessRule(user),
        userWrite: AccessRule(user.and(write)), userExecute: AccessRule(user.and(.clear(6)))))
  }()

  @Test func bitsThatMustBeSetAreSet() throws {
    let frame = PhysicalAddress(0x5000)
    // Bit 8 or 9 must be set as well, and 9 not without 10: 8 alone will do.
    #expect(try Self.format.leaf(at: frame, access: .all) == 0x5107)
    #expect(try Self.format.leaf(at: frame, access: [.write, .execute]) == 0x5103)
    // Execution is taken from the user by a bit of its own, rather than all rights with bit 2.
    #expect(try Self.format.leaf(at: frame, access: [.user, .write]) == 0x5167)
    #expect(try Self.format.leaf(at: frame, access: [.user]) == 0x5177)
    #expect(try Self.format.leaf(at: frame, rights: Self.rights("rwx", "rw-")) == 0x5147)
  }

  @Test func whatIsImpossibleStaysAnError() {
    let frame = PhysicalAddress(0x5000)
    #expect(throws: EncodingError.noSuchKind(.table)) { try Self.format.entry(pointingAt: frame) }
    #expect(throws: EncodingError.address(PhysicalAddress(0x5800))) {
      try Self.format.leaf(at: PhysicalAddress(0x5800), access: .all)
    }
    // One bit forbids writing to both.
    #expect(throws: EncodingError.access([.user, .execute])) {
      try Self.format.leaf(at: frame, rights: Self.rights("rwx", "r-x"))
    }
    var faulty = Self.format
    faulty.faulty = FaultyForms([.clear(1), .set(1)])
    #expect(!faulty.allowsLeaves)
    #expect(throws: EncodingError.noSuchKind(.leaf)) { try faulty.leaf(at: frame, access: .all) }
    var reserved = Self.format
    reserved.leafReserved = 2
    #expect(!reserved.allowsLeaves)
    #expect(throws: EncodingError.noSuchKind(.leaf)) { try reserved.leaf(at: frame, access: .all) }
  }

  /// Every set of rights that some entry of the invented scheme has, by its meaning as it is written down by hand.
  @Test(arguments: [0, 1]) func entriesOfTheInventedSchemeReadBack(_ height: Int) throws {
    let kind = InventedScheme.splitRights
    let format = kind.scheme(levels: 2).levels[1 - height].format
    let frame = UInt64(0x3_0000)
    var possible: Set<UInt8> = []
    for low in 0..<1 << 10 as Range<UInt64> {
      if case .leaf(_, let rights, _) = kind.meaning(of: frame | low, slot: 0, height: height) {
        possible.insert(rights.rawValue)
      }
    }
    #expect(possible.count > 8)
    for bits in 0..<64 as Range<UInt8> {
      let rights = Rights(rawValue: bits)
      guard possible.contains(bits) else {
        #expect(throws: EncodingError.self) { try format.leaf(at: PhysicalAddress(frame), rights: rights) }
        continue
      }
      let raw = try format.leaf(at: PhysicalAddress(frame), rights: rights)
      let size = UInt64(0x1000) << UInt64(4 * height)
      #expect(kind.meaning(of: raw, slot: 0, height: height) == .leaf(frame, rights, pageSize: size))
    }
  }

  @Test func aHugePageThatIsSplitKeepsTheRightsOfEach() throws {
    let (space, memory) = try emptySpace(InventedScheme.splitRights.scheme(levels: 2))
    // Huge, by bit 7: the supervisor reads, writes and executes, the user reads and writes.
    try space.map(VirtualAddress(0x2_0000), entries: [0x3_008f], level: 0, in: memory)
    try space.unmap(VirtualAddress(0x2_1000), length: 0x1000, in: memory)
    let leaves = space.leaves(in: memory)
    #expect(leaves.count == 15)
    for leaf in leaves {
      #expect(leaf.rights.letters == "rwx/rw-")
      #expect(leaf.physical.value == leaf.virtual.value + 0x1_0000)
    }
  }

  // MARK: Levels and fields

  /// What the views show of leaves is there exactly where the format has leaves.
  @Test func fieldsOfLeavesStandWhereTheFormatHasLeaves() {
    var features = ProcessorFeatures()
    features.pageSizeExtension = false
    for scheme in PagingSchemes.all() + X86.all(features) {
      for level in scheme.levels {
        #expect(level.allowsLeaves == !level.leafFields.isEmpty, "\(scheme.name) \(level.name)")
      }
    }
    // Nobody has named the fields of the invented schemes; every level of theirs has leaves all the same.
    for kind in InventedScheme.allCases {
      let levels = kind.scheme(levels: 3).levels
      #expect(levels.allSatisfy { $0.allowsLeaves && $0.leafFields.isEmpty })
    }
  }

  @Test func executionForbiddenToOnePrivilegeIsAFlag() {
    let flags: [FieldRole] = [.supervisorExecuteDisable, .userExecuteDisable]
    #expect(flags.allSatisfy { EntryField("XN", 54, $0, "").isFlag })
    #expect(!EntryField("XD", 63, .executeDisable, "").isFlag)
  }
}
