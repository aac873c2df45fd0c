import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What all spaces say together: badges, lists, aliases, pictures, frames")
struct SharingTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  /// The signs and words behind the selected row.
  private var badges: [String] {
    guard let row = driver.row else { return [] }
    let space = driver.explorer.tree.spaces[Int(row.space)]
    return driver.explorer.badges(of: row, space, .ascii).map(\.text)
  }

  // MARK: Badges

  @Test(
    "Each entry is marked by what it is",
    arguments: [
      ("g \"ffffc00000000000\" Enter", "<~ init 1"), ("g \"ffffc00000000000\" Enter u", "<~2 mirrors"),
      ("g \"c00000\" Enter", "H"),
      ("g \"40b000\" Enter", "not in dump"),
      ("g \"400000\" Enter", "!"), ("Enter G k", "@PML4"),
      // Frames that the kernel maps at ffffc000_00000000, in both processes.
      ("g \"400000\" Enter", "~> ffffc000_00000000"), ("g \"409000\" Enter", "~> ffffc000_00003000"),
      ("G Enter g \"500000\" Enter", "~> ffffc000_00000000"),
    ])
  mutating func marks(_ keys: String, _ badge: String) throws {
    try driver.press(keys)
    #expect(badges.contains(badge), "\(driver.path): \(badges)")
  }

  @Test("What is not shared, not mirrored and without findings has no mark")
  mutating func unmarked() throws {
    try driver.press("g \"ffffc00000005000\" Enter")
    #expect(badges == [])
  }

  @Test("What everybody has is one row without a word about sharing, which opens")
  mutating func everybodys() throws {
    try driver.press("G Enter")
    #expect(driver.rows.last == "everybody's 129")
    #expect(driver.lines.contains { $0.contains("kernel half, as everybody: 2 tables") })
    try driver.press("G l j")
    #expect(badges.allSatisfy { !$0.hasPrefix("=") })
  }

  @Test("The detail says how many spaces share a table, and whose it is")
  mutating func detail() throws {
    try driver.press("G Enter G l G")
    #expect(driver.path == "shell 2 > PML4[384]")
    #expect(driver.detail.contains("shared   by 2 spaces"))
    #expect(driver.detail.contains("owner    init 1"))
    try driver.press("Home Enter g \"ffffc00000000000\" Enter u u u")
    #expect(driver.path == "init 1 > PML4[384]")
    #expect(driver.detail.contains("owner    this space"))
  }

  // MARK: Lists

  @Test("Shared sub-tables are listed with their owner, and Enter goes to the entry")
  mutating func shared() throws {
    try driver.press("S f \"space:shell va:ffffc\" Enter")
    #expect(driver.explorer.list(.shared).shown.count == 1)
    #expect(driver.lines.contains { $0.contains("shell 2") && $0.contains("PDPT") && $0.contains("init 1") })
    try driver.press("Enter")
    #expect(driver.path == "shell 2 > PML4[384]")
    try driver.press("Backspace")
    #expect(driver.path == "init 1")
  }

  @Test("Mirrors are listed as runs, and Enter goes to the kernel's side")
  mutating func mirrors() throws {
    try driver.press("M")
    // The recursive slot makes more of them further up.
    let mirrors = (driver.explorer.index?.mirrors ?? []).prefix(2)
    #expect(mirrors.map(\.kernelVA.value) == [SharingGuest.mirror, SharingGuest.mirror + 0x3000])
    #expect(mirrors.map(\.length) == [0x3000, 0x1000])
    try driver.press("j Enter")
    #expect(driver.row?.virtual.value == SharingGuest.mirror + 0x3000)
  }

  @Test("The key that opens a view closes it again", arguments: ["S", "M", "F", "C", "V", "P", "s"])
  mutating func toggling(_ key: String) throws {
    try driver.press(key)
    #expect(driver.screenID != .tree)
    try driver.press(key)
    #expect(driver.screenID == .tree)
  }

  // MARK: Aliases

  @Test("x says who maps the page: a group an entry, with the exact count; Enter goes there")
  mutating func aliases() throws {
    try driver.press("g \"400000\" Enter x")
    #expect(driver.lines[1].contains("who maps 0x200000: 4 mappings in 3 groups"))
    try driver.press("f \"space:shell\" Enter Enter")
    #expect(driver.path == "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]")
  }

  @Test("A group opens to its members, one a space, and closes again")
  mutating func members() throws {
    try driver.press("g \"ffffc00000000000\" Enter x f \"mirror\" Enter")
    let closed = driver.explorer.list(.aliases).shown.count
    try driver.press("Space")
    #expect(driver.explorer.list(.aliases).shown.count == closed + 2)
    try driver.press("j j Enter")
    #expect(driver.path.hasPrefix("shell 2 > PML4[384]"))
    try driver.press("g \"ffffc00000000000\" Enter x f \"mirror\" Enter Space Space")
    #expect(driver.explorer.list(.aliases).shown.count == closed)
  }

  @Test("An entry that points at nothing has no aliases, and says so")
  mutating func nothing() throws {
    try driver.press("g \"800000\" Enter x")
    #expect(driver.work == [.bell])
    #expect(driver.status.contains("points at nothing"))
    #expect(driver.screenID == .tree)
  }

  // MARK: Frames

  @Test("A frame says which table it is, who maps it, and shows its bytes")
  mutating func frame() throws {
    try driver.press("g \"ffffc00000000000\" Enter u d")
    #expect(driver.screenID == .frame)
    #expect(driver.screen.contains("used as   PT"))
    #expect(driver.screen.contains("of 2 spaces, first init 1"))
    // The first entry: frame 200000, supervisor, no execute; the lowest byte first.
    #expect(driver.screen.contains("000  63 01 20 00 00 00 00 80"))
  }

  @Test("A page whose bytes are not there says why")
  mutating func missing() throws {
    try driver.press("g \"40b000\" Enter d")
    #expect(driver.screen.contains("not in this dump"))
    try driver.press("Esc g \"10000000000\" Enter d")
    #expect(driver.screen.contains("outside physical memory"))
  }

  @Test(
    "At another width the page is wrapped anew, and the bytes at the top stay",
    arguments: [(60, "040  "), (40, "040  "), (120, "040  ")])
  mutating func resizedFrame(_ width: Int, _ start: String) throws {
    try driver.press("g \"ffffc00000000000\" Enter u d G g g")
    while driver.lines[4].hasPrefix("  040  ") == false, driver.explorer.frame?.page.top ?? 99 < 99 {
      try driver.press("j")
    }
    driver.send(.input(.resize(width: width, height: 40)))
    #expect(driver.lines[4].hasPrefix("  " + start), "\(driver.lines[4])")
    let bytes = driver.explorer.frame?.page.lines.last?.text.split(separator: " ").dropFirst() ?? []
    #expect(bytes.prefix { $0.count == 2 }.count == (width >= 80 ? 16 : width >= 42 ? 8 : 4))
  }

  @Test("[ and ] go to the frames beside, and stop at the ends")
  mutating func frames() throws {
    try driver.press("Enter d")
    let address = try #require(driver.explorer.frame?.address.value)
    try driver.press("]")
    #expect(driver.explorer.frame?.address.value == address + 4096)
    try driver.press("[ [")
    #expect(driver.explorer.frame?.address.value == address - 4096)
  }
}

@Suite("Views of memory that somebody made to hang them")
struct HostileViewTests {
  /// One page whose 512 entries all point at itself.
  private static let memory: TableMemory = {
    var memory = TableMemory(firstTable: 0x10_0000)
    let page = memory.makeTable()
    for slot in 0..<512 { memory.set(table: page, slot: slot, to: page | 0x67) }
    memory.addDumped(0x10_0000, 0x11_0000)
    return memory
  }()

  private static let spaces = (0..<3).map { number in
    FoundSpace(
      space: AddressSpace(
        name: "loop \(number)", root: PhysicalAddress(0x10_0000), scheme: SmallGuest.scheme),
      origin: .scan)
  }

  @Test(
    "Every view of a page that points at itself 512 times is drawn and left again",
    arguments: [
      "x", "x Space G", "S", "S 6 6 f \"loop\" Enter", "M", "F 1 f \"x\" Enter", "C G l l Enter", "V", "P",
      "P + + + +",
      "V + + + + + + + + G Home PgDn",
      "k x", "d", "d PgDn", "Enter j Enter j Enter j Enter f \"w !x\" Enter", "f \"huge\" Enter",
      "/ \"123456\" Enter",
    ])
  func views(_ keys: String) throws {
    var driver = ExplorerDriver(memory: Self.memory, spaces: Self.spaces)
    try driver.press("Enter j")
    try driver.press(keys)
    #expect(driver.lines.count == 24)
    try driver.press("Esc Esc Esc")
    #expect(driver.screenID == .tree)
  }

  @Test("Groups of countless members are opened up to a number of rows, and then refused with a reason")
  func countless() throws {
    var driver = ExplorerDriver(memory: Self.memory, spaces: Self.spaces)
    try driver.press("Enter j d x")
    let groups = driver.explorer.list(.aliases).shown.count
    #expect(groups > 25)
    for _ in 0..<25 { try driver.press("G Space") }
    // Each G is on the last group's last member, which cannot be opened; so open from the top as well.
    for _ in 0..<25 {
      try driver.press("g g")
      while driver.explorer.aliasPane?.isOpen(driver.explorer.list(.aliases).selection) == true {
        let next = driver.explorer.aliasPane?.rows[(driver.explorer.list(.aliases).selection + 1)...]
          .firstIndex { !$0.isMember }
        driver.explorer.lists[.aliases]?.selection = next ?? 0
      }
      try driver.press("Space")
    }
    #expect(driver.status.contains("too many mappings are listed"))
    #expect(driver.explorer.list(.aliases).shown.count <= groups + 20_000)
  }
}
