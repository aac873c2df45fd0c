import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The tree as a list of rows")
struct TreeListTests {
  private var tree: TreeList = {
    var tree = TreeList(memory: SmallGuest.memory)
    tree.setSpaces(SmallGuest.spaces)
    return tree
  }()

  private var rows: [String] { tree.rows.map { tree.describe($0) } }

  private func index(_ text: String) throws -> Int { try #require(rows.firstIndex(of: text), "\(rows)") }

  private mutating func open(_ names: String...) throws {
    for name in names {
      let isChanged = tree.open(at: try index(name))
      #expect(isChanged, "\(name) opens")
    }
  }

  private mutating func reveal(_ address: UInt64, level: Int) throws -> (index: Int, isExact: Bool) {
    let found = tree.reveal(space: 0, virtual: VirtualAddress(address), level: level)
    return try #require(found)
  }

  @Test("At the start there are the spaces, in the order given")
  func start() {
    #expect(rows == ["space init 1", "space shell 2"])
  }

  @Test("Opening shows the entries that are present, below their row")
  mutating func opening() throws {
    try open("space init 1")
    #expect(
      rows == [
        "space init 1", "PML4[0]", "PML4[1]", "PML4[2]", "PML4[3]", "PML4[256]", "PML4[511]", "space shell 2",
      ])
    #expect(tree.rows.map(\.indent) == [0, 1, 1, 1, 1, 1, 1, 0])
  }

  @Test("Leaves that follow each other in both address spaces fold behind the first; a fold opens")
  mutating func folding() throws {
    try open("space init 1", "PML4[0]", "PDPT[0]", "PD[2]")
    let first = try index("PT[0]")
    #expect(Array(rows[first..<first + 5]) == ["PT[0]", "PT[1] x8", "PT[9]", "PT[10]", "PT[11]"])
    try open("PT[1] x8")
    #expect(Array(rows[first + 1..<first + 10]) == ["PT[1] x8"] + (1...8).map { "PT[\($0)]" })
    let third = tree.rows[first + 4]
    #expect(third.virtual == VirtualAddress(0x40_3000))
    #expect(third.address == PhysicalAddress(0x20_3000))
    #expect(third.raw == 0x20_3067)
  }

  @Test("A closed row comes back with everything that was open below it")
  mutating func reopening() throws {
    try open("space init 1", "PML4[0]", "PDPT[0]")
    let before = rows
    tree.close(at: try index("space init 1"))
    #expect(rows == ["space init 1", "space shell 2"])
    try open("space init 1")
    #expect(rows == before)
  }

  @Test("Closing all forgets what was open below, and nothing else")
  mutating func closingAll() throws {
    try open("space init 1", "PML4[0]", "PDPT[0]", "PML4[256]", "space shell 2")
    tree.closeAll(at: try index("PML4[0]"))
    #expect(
      tree.rows.filter { $0.level == 1 }.map(\.virtual.value) == [
        0xffff_8000_0000_0000, 0xffff_8000_4000_0000,
      ])
    try open("PML4[0]")
    #expect(!rows.contains("PD[2]"), "what was open below is closed")
  }

  @Test("Closing all from a row that is closed already forgets, too")
  mutating func closingAllHidden() throws {
    try open("space init 1", "PML4[0]", "PDPT[0]")
    tree.close(at: try index("space init 1"))
    tree.closeAll(at: 0)
    try open("space init 1")
    #expect(!rows.contains("PDPT[0]"))
  }

  // One value in all slots: neighbours lie on both sides of the non-canonical middle.
  @Test("Closing all of a fold over the middle of the address space reaches its upper half")
  func closingAllOverTheMiddle() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("loop", scheme: X86.paging4Level())
    for slot in 0..<512 { memory.set(table: space.root.value, slot: slot, to: space.root.value | 3) }
    var tree = TreeList(memory: memory)
    tree.setSpaces([FoundSpace(space: space, origin: .given)])
    tree.open(at: 0)
    let fold = try #require(tree.rows.firstIndex { $0.kind == .fold })
    tree.open(at: fold)
    let upper = try #require(tree.rows.firstIndex { $0.kind == .entry && $0.slot == 300 })
    tree.open(at: upper)
    let count = tree.rows.count
    tree.closeAll(at: fold)
    tree.open(at: fold)
    #expect(tree.rows.count == count - 2, "entry 300 is closed: its first row and its fold are gone")
  }

  @Test("Closing everything leaves the spaces")
  mutating func closingEverything() throws {
    try open("space init 1", "PML4[0]", "space shell 2")
    tree.closeEverything()
    #expect(rows == ["space init 1", "space shell 2"])
    try open("space init 1")
    #expect(!rows.contains("PDPT[0]"))
  }

  @Test("Absent entries are shown on demand, folded, and do not open")
  mutating func absent() throws {
    try open("space shell 2")
    tree.setShowsAbsent(true)
    #expect(
      rows == [
        "space init 1", "space shell 2", "PML4[0]", "absent PML4[1] x255", "PML4[256]",
        "absent PML4[257] x255",
      ])
    let isChanged = tree.open(at: try index("absent PML4[1] x255"))
    #expect(!isChanged)
    tree.setShowsAbsent(false)
    #expect(rows == ["space init 1", "space shell 2", "PML4[0]", "PML4[256]"])
  }

  @Test(
    "A table that cannot be read says why, where its entries would be",
    arguments: [
      ("PML4[1]", "note tableNotInDump"), ("PML4[2]", "note tableOutsideMemory"), ("PML4[3]", "note empty"),
    ])
  mutating func unreadable(_ row: String, _ note: String) throws {
    try open("space init 1", row)
    let place = try index(row)
    #expect(rows[place + 1] == note)
    #expect(tree.parent(of: place + 1) == place)
  }

  @Test("A root that the dump does not hold is listed, and says so when opened")
  mutating func missingRoot() throws {
    let space = AddressSpace(
      name: "gone", root: PhysicalAddress(SmallGuest.missingTable), scheme: SmallGuest.scheme)
    tree.setSpaces([FoundSpace(space: space, origin: .given)])
    try open("space gone")
    #expect(rows == ["space gone", "note tableNotInDump"])
  }

  @Test("A recursive slot names the level it points back at, and opens once per level at most")
  mutating func recursion() throws {
    try open("space init 1")
    var place = try index("PML4[511]")
    #expect(tree.rows[place].recursionLevel == 0)
    #expect(tree.rows[try index("PML4[256]")].recursionLevel == -1)
    // The same page, read at each level in turn, ends at the PT: its entries are leaves.
    for _ in 1...3 {
      tree.open(at: place)
      place = try #require((place..<tree.end(ofBranchAt: place)).last { tree.rows[$0].slot == 511 })
    }
    #expect(tree.rows[place].level == 3)
    #expect(tree.rows[place].entryKind == .leaf)
    #expect(tree.rows[place].virtual == VirtualAddress(0xffff_ffff_ffff_f000))
    let isChanged = tree.open(at: place)
    #expect(!isChanged)
  }

  @Test("Permissions of a row are those of its whole path")
  mutating func access() throws {
    try open("space init 1", "PML4[256]")
    let pdpt = try #require(tree.rows.firstIndex { $0.level == 1 })
    #expect(tree.rows[pdpt].access == [.write, .execute])
    tree.open(at: pdpt)
    #expect(tree.rows[pdpt + 1].access == .execute, "read-only at the PD")
  }

  @Test("Rows keep their identity when spaces come, go and change their order")
  mutating func newSpaces() throws {
    try open("space shell 2", "PML4[0]")
    let row = tree.rows[try index("PDPT[0]")]
    let id = tree.id(of: row)
    tree.setSpaces(SmallGuest.spaces.reversed())
    #expect(rows == ["space shell 2", "PML4[0]", "PDPT[0]", "PML4[256]", "space init 1"])
    #expect(tree.index(of: id) == 2)
    tree.setSpaces([SmallGuest.spaces[0]])
    #expect(tree.index(of: id) == nil)
    tree.setSpaces(SmallGuest.spaces)
    #expect(tree.index(of: id) == 3)
  }

  @Test("Two spaces with one root are told apart")
  mutating func sameRoot() throws {
    var twin = SmallGuest.spaces[0]
    twin.space = AddressSpace(name: "twin", root: twin.space.root, scheme: twin.space.scheme)
    tree.setSpaces([SmallGuest.spaces[0], twin])
    tree.open(at: 1)
    #expect(rows.first == "space init 1")
    #expect(rows[1] == "space twin 1")
    #expect(rows[2] == "PML4[0]")
    #expect(tree.parent(of: 2) == 1)
  }

  @Test("Revealing opens the way to an entry, through folds")
  mutating func reveal() throws {
    let found = try reveal(0x40_5000, level: 3)
    #expect(found.isExact)
    #expect(rows[found.index] == "PT[5]")
    #expect(tree.rows[found.index].kind == .entry)
    #expect(tree.rows[found.index].virtual == VirtualAddress(0x40_5000))
  }

  @Test("Revealing what is not there stops at the absent entries on the way, which are shown for it")
  mutating func revealAbsent() throws {
    let found = try reveal(0x100_0000, level: 3)
    #expect(!found.isExact)
    #expect(rows[found.index] == "absent PD[7] x505")
    tree.setShowsAbsent(true)
    let absent = try reveal(0x100_0000, level: 2)
    #expect(absent.isExact)
    #expect(rows[absent.index].hasPrefix("absent PD["))
  }

  @Test("A table of thousands of equal entries shows all of them when its fold opens")
  func equalEntries() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("zero", scheme: X86.paging4Level())
    for page in 0..<UInt64(512) { memory.map(page * 0x1000, to: 0x5000, in: space, flags: 5) }
    var tree = TreeList(memory: memory)
    tree.setSpaces([FoundSpace(space: space, origin: .given)])
    let revealed = tree.reveal(space: 0, virtual: VirtualAddress(0x1000), level: 3, kind: .fold)
    let fold = try #require(revealed).index
    #expect(tree.rows[fold].count == 511)
    #expect(tree.rows[fold].stride == 0)
    tree.open(at: fold)
    #expect(tree.end(ofBranchAt: fold) == fold + 512)
    #expect(tree.rows[fold + 511].address == PhysicalAddress(0x5000))
  }
}
