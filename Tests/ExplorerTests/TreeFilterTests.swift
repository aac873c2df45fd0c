import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What a filter leaves in the tree")
struct TreeFilterTests {
  /// The rows of the small guest's first process, from the PML4 down to the PTs, under a filter.
  private func leaves(_ filter: String) throws -> [String] {
    var tree = TreeList(memory: SmallGuest.memory)
    tree.setSpaces(SmallGuest.spaces)
    _ = tree.reveal(space: 0, virtual: VirtualAddress(0x40_0000), level: 3)
    _ = tree.reveal(space: 0, virtual: VirtualAddress(0xffff_8000_0000_0000), level: 2)
    tree.setFilter(TreeFilter(filter))
    return tree.rows.filter { $0.isEntry && $0.entryKind != .table }.map { tree.describe($0) }
  }

  // PT[0..8] rwxu, PT[9] r--u, PT[10] PROT_NONE, PT[11] rwxu, PD[4] malformed, PD[6] rwxu 2M, PD[0] r-x-.
  @Test(
    "Words choose entries by what the path allows and by what they are",
    arguments: [
      ("w", ["PT[0]", "PT[1] x8", "PT[11]", "PD[6]"]),
      ("!w", ["PT[9]", "PD[0]"]),
      ("!wx", ["PT[9]"]),
      ("s", ["PD[0]"]),
      ("!s", ["PT[0]", "PT[1] x8", "PT[9]", "PT[11]", "PD[6]"]),
      ("u !x", ["PT[9]"]),
      ("u,!x", ["PT[9]"]),
      ("huge", ["PD[6]", "PD[0]"]),
      ("!huge", ["PT[0]", "PT[1] x8", "PT[9]", "PT[11]"]),
      ("2m w", ["PD[6]"]),
      ("4K !x", ["PT[9]"]),
      ("marked", ["PT[10]"]),
      ("malformed", ["PD[4]"]),
      ("1g", []),
    ])
  func entries(_ filter: String, _ expected: [String]) throws {
    #expect(try leaves(filter) == expected)
  }

  @Test(
    "Other words choose spaces, by a part of the name, the pid or the root",
    arguments: [
      ("INI", ["space init 1"]), ("hell", ["space shell 2"]), ("2", ["space shell 2"]),
      ("0x100000", ["space init 1"]),
      ("!init", ["space shell 2"]), ("name:s", ["space shell 2"]), ("zzz", []),
      ("", ["space init 1", "space shell 2"]),
      ("name:", ["space init 1", "space shell 2"]),
    ])
  func spaces(_ filter: String, _ expected: [String]) {
    var tree = TreeList(memory: SmallGuest.memory)
    tree.setSpaces(SmallGuest.spaces)
    tree.setFilter(TreeFilter(filter))
    #expect(tree.rows.map { tree.describe($0) } == expected)
  }

  @Test(
    "A space in which nothing passes is left out, open or not",
    arguments: [
      ("malformed", ["init 1"]), ("w", ["init 1", "shell 2"]), ("4k !x", ["init 1"]),
      ("u", ["init 1", "shell 2"]),
      ("huge s", ["init 1", "shell 2"]), ("malformed shell", []),
    ])
  func spacesWithoutMatch(_ words: String, _ expected: [String]) {
    var tree = TreeList(memory: SmallGuest.memory)
    // What cannot be read might hold anything: without the two tables that are not there.
    var memory = SmallGuest.memory
    for slot in 1...2 { memory.set(table: SmallGuest.firstRoot, slot: slot, to: 0) }
    tree = TreeList(memory: memory)
    tree.setSpaces(SmallGuest.spaces)
    for isOpen in [false, true] {
      tree.setFilter(TreeFilter(words))
      #expect(tree.rows.filter { $0.kind == .space }.map { tree.spaces[Int($0.space)].label } == expected)
      tree.setFilter(TreeFilter(""))
      if !isOpen { _ = tree.reveal(space: 1, virtual: VirtualAddress(0x50_0000), level: 3) }
    }
  }

  @Test("Where nothing passes in any space, that is said, with what brings them back")
  func nothing() throws {
    var memory = SmallGuest.memory
    for slot in [1, 2, 511] { memory.set(table: SmallGuest.firstRoot, slot: slot, to: 0) }
    var driver = ExplorerDriver(memory: memory, spaces: SmallGuest.spaces)
    try driver.press("f \"1g\" Enter")
    #expect(driver.rows.isEmpty)
    #expect(driver.status == "nothing passes the filter '1g' in any space; f Ctrl-u Enter shows all")
    try driver.press("f Ctrl-u Enter")
    #expect(!driver.rows.isEmpty)
  }

  @Test(
    "swapped leaves the processes of which the guest swapped pages out, and of them these pages",
    arguments: ["linux-x86_64", "linux-i686"])
  func swapped(_ name: String) throws {
    let truth = try #require(GuestTruth.all.first { $0.name == name }).pages().filter {
      $0.flags.contains("S")
    }
    let pids = Set(truth.map(\.pid))
    var driver = try SampleGuest.driver(name)
    try driver.press("f \"swapped\" Enter")
    #expect(
      Set(driver.explorer.tree.rows.compactMap { driver.explorer.tree.spaces[Int($0.space)].found.pid })
        == pids)
    let page = try #require(truth.first)
    try driver.press("g \"\(String(page.va, radix: 16))\" Enter")
    #expect(driver.explorer.tree.filter.text == "swapped", "it is shown under the filter")
    #expect(driver.row?.entryKind == .marked)
    try driver.press("f \"!swapped u\" Enter")
    #expect(!driver.explorer.tree.rows.contains { $0.entryKind == .marked })
  }

  @Test("Tables that lead to nothing that passes are hidden; those that cannot be read stay")
  func tablesWithoutMatch() throws {
    var tree = TreeList(memory: SmallGuest.memory)
    tree.setSpaces(SmallGuest.spaces)
    tree.setFilter(TreeFilter("malformed"))
    tree.open(at: 0)
    #expect(
      tree.rows.map { tree.describe($0) } == [
        "space init 1", "PML4[0]", "PML4[1]", "PML4[2]", "PML4[511]",
      ])
  }

  @Test("Taking the filter off brings back what was open")
  func comesBack() {
    var tree = TreeList(memory: SmallGuest.memory)
    tree.setSpaces(SmallGuest.spaces)
    _ = tree.reveal(space: 0, virtual: VirtualAddress(0x40_5000), level: 3)
    let before = tree.rows
    tree.setFilter(TreeFilter("nothing-has-this-name"))
    #expect(tree.rows.isEmpty)
    tree.setFilter(TreeFilter(""))
    #expect(tree.rows == before)
  }
}

@Suite("What a filter leaves out")
struct FilteredSpaceTests {
  @Test("A root that was most likely freed holds nothing that a filter finds")
  func freedRoots() throws {
    var spaces = SmallGuest.spaces
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
    try driver.press("f \"huge\" Enter")
    #expect(driver.rows.contains("space init 1"))
    spaces[0].isPossiblyStale = true
    driver = ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
    try driver.press("f \"huge\" Enter")
    #expect(!driver.rows.contains("space init 1"))
  }
}
