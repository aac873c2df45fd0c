import Canvas
import PageTables
import TestSupport
import Testing

@testable import Explorer
@testable import Guests

@Suite("What a guest's names add")
struct GuestNamesTests {
  private var driver = NamedGuest.driver(width: 120, height: 40)

  init() throws { try driver.press("/ \"shell\" Enter") }

  @Test("A space says who runs in it, and how it was started")
  func process() {
    #expect(driver.path == "shell 8")
    #expect(driver.detail.contains("command  sh -c true"))
    #expect(driver.detail.contains("also     helper 9"))
    #expect(driver.detail.contains("regions  3; R lists them"))
  }

  @Test("The kernel's own space names its threads")
  mutating func threads() throws {
    try driver.press("/ \"kthreadd\" Enter")
    #expect(driver.path == "kernel")
    #expect(driver.detail.contains("threads  kthreadd 2"))
  }

  @Test("A page of a process says what it belongs to, and how much of that is there")
  mutating func region() throws {
    try driver.press("g \"601000\" Enter")
    #expect(driver.lines[10...16].contains { $0.contains("00000000_00601000") && $0.contains("[heap]") })
    for fact in [
      "region   [heap]", "from     00000000_00600000, 32K", "prot     rw-p",
      "of it    8K present, 20K absent, 4K marked",
    ] {
      #expect(driver.detail.contains(fact), "\(fact)")
    }
  }

  @Test("A table says what lies below it, the first region in its row")
  mutating func table() throws {
    try driver.press("g \"600000\" Enter u u")
    #expect(driver.path.hasSuffix("> PD[3]") == false)
    try driver.press("u")
    #expect(driver.path == "shell 8 > PML4[0]")
    #expect(driver.detail.contains("holds    anonymous"))
    #expect(driver.detail.contains("         [heap]"))
    #expect(driver.lines.contains { $0.contains("PML4") == false && $0.contains("anonymous +2") })
  }

  @Test("Memory of the kernel says what asked for it")
  mutating func kernel() throws {
    try driver.press("g \"ffffc90000001000\" Enter")
    #expect(driver.detail.contains("region   vmalloc caller_of_areas+0x40/0x100"))
    #expect(driver.detail.contains("of it    16K present, 4K absent"))
  }

  @Test(
    "g takes a symbol, with an offset as a kernel prints it",
    arguments: ["caller_of_areas+10", "caller_of_areas+0x10/0x100", "goto"])
  mutating func symbol(_ text: String) throws {
    if text == "goto" {
      driver.run("goto caller_of_areas + 10")
    } else {
      try driver.press("g \"\(text)\" Enter")
    }
    #expect(driver.status.hasPrefix("ffffffff_81002010 caller_of_areas+0x10 is at 0x1002010"))
    #expect(driver.row?.virtual == VirtualAddress(LinuxMemory.image))
  }

  @Test("g takes a region, with or without its brackets", arguments: ["[stack]", "stack"])
  mutating func regionByName(_ text: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.status.hasPrefix("00000000_7f00f000 [stack] is at"))
  }

  @Test("A number is a number, although a symbol could be called so")
  mutating func number() throws {
    try driver.press("g \"add\" Enter")
    #expect(driver.status.hasPrefix("00000000_00000add"))
  }

  @Test("What is misspelled comes back with the nearest symbol, which Tab takes")
  mutating func misspelled() throws {
    try driver.press("g \"caller_of_aeras+8\" Enter")
    #expect(driver.explorer.prompt?.problemText.contains("caller_of_areas") == true)
    try driver.press("Tab Enter")
    #expect(driver.status.hasPrefix("ffffffff_81002000 caller_of_areas is at"))
  }

  @Test("Tab completes symbols and regions, in g and behind :goto")
  mutating func completion() throws {
    try driver.press("g \"caller\" Tab")
    #expect(driver.explorer.prompt?.field.text == "caller_of_areas")
    try driver.press("Ctrl-u \"[\" Tab Tab")
    #expect(driver.explorer.prompt?.field.text == "[stack]")
    try driver.press("Esc :\n\"goto init_ta\" Tab")
    #expect(driver.explorer.prompt?.field.text == "goto init_task")
  }

  @Test("R lists the regions, what is there told from what is not; Enter goes to one")
  mutating func regions() throws {
    try driver.press("g \"600000\" Enter R")
    #expect(driver.lines[1].hasPrefix(" regions of shell 8 "))
    #expect(
      driver.lines[4...6].map { $0.split(separator: " ").map(String.init) } == [
        ["00000000_00400000", "16K", "r-xp", "16K", "-", "anonymous"],
        ["00000000_00600000", "32K", "rw-p", "8K", "20K", "4K", "[heap]"],
        ["00000000_7f000000", "64K", "rw-p", "4K", "60K", "[stack]"],
      ])
    #expect(driver.explorer.list?.selectedRow == 1, "the region of the selected page")
    try driver.press("k Enter")
    #expect(driver.path == "shell 8 > PML4[0] > PDPT[0] > PD[2] > PT[0]")
    try driver.press("R f \"absent:60k\" Enter")
    #expect(driver.explorer.list?.shown.count == 1)
  }

  @Test("The map tells a region of which nothing is there from what is no part of the process")
  mutating func map() throws {
    try driver.press("g \"600000\" Enter V" + String(repeating: " +", count: 12))
    #expect(driver.lines[1].contains("a cell is 4K   [heap]"))
    // Two pages there, a marked one, five that are not; behind them nothing, which is cut out.
    #expect(driver.lines.contains { $0.contains("00000000_00600000  hh?-----   ") })
    #expect(driver.lines.contains { $0.contains(".. 1.9G unmapped ..") })
  }

  @Test("i tells the release, and how each part was known")
  mutating func guestPage() throws {
    try driver.press("i")
    let text = driver.explorer.page?.lines.map(\.text).joined(separator: "\n") ?? ""
    #expect(text.contains("Linux 6.99.0-test"))
    #expect(text.contains("agrees with the list of tasks"))
    #expect(text.contains("BTF, at __start_BTF"))
  }

  @Test(
    "Spaces are found by the names, pids and command lines of all their processes",
    arguments: ["helper", "-c true", "helper 9"])
  mutating func search(_ text: String) throws {
    try driver.press("Home /\n\"\(text)\" Enter")
    #expect(driver.path == "shell 8")
    try driver.press("s Home f \"\(text)\" Enter")
    #expect(driver.explorer.list?.selectedRow.map { driver.explorer.tree.spaces[$0].label } == "shell 8")
    try driver.press("Esc f \"\(text.split(separator: " ")[0])\" Enter")
    #expect(driver.rows.contains("space shell 8") && !driver.rows.contains("space init 1"))
  }

  @Test("The list of spaces says what a name comes from")
  mutating func namedBy() throws {
    driver = NamedGuest.driver(width: 160, height: 40)
    try driver.press("s")
    #expect(driver.lines[3].contains("named by") && driver.lines[3].contains("other processes"))
    #expect(driver.lines.contains { $0.contains("shell") && $0.contains("tasks") && $0.contains("helper 9") })
  }

  @Test("R has a column for what is marked, and none for what no region has")
  mutating func columns() throws {
    try driver.press("g \"600000\" Enter R")
    #expect(
      driver.explorer.list?.content.columns.map(\.name)
        == ["va", "length", "perm", "present", "absent", "marked", "name"])
    driver.find([SmallGuest.spaces[1]])
    driver.send(.guestRead(GuestNames(CapturedRegions(lines: ["*\t0x1000\t0x1fff\tr--p\t-\tuser\tx"]))))
    try driver.press("Esc R")
    #expect(driver.explorer.list?.content.columns.map(\.name).contains("marked") == false)
  }

  @Test("A process that is called like the query is found before one that has it in its name")
  mutating func wholeName() throws {
    let found = NamedGuest.spaces.spaces.map { space in
      var space = space
      guard space.pid == 8 else { return space }
      space.space = AddressSpace(name: "thread", root: space.space.root, scheme: space.space.scheme)
      space.processes = []
      return space
    }
    driver.find(found)
    try driver.press("Home / \"thread\" Enter")
    #expect(driver.path == "thread 8")
    driver = NamedGuest.driver(width: 120, height: 40)
    try driver.press("Home / \"thread\" Enter")
    #expect(driver.path == "kernel", "a part of a name will do where there is no other")
  }

  @Test("Without a guest, what needs one says so", arguments: ["R", "i"])
  mutating func withoutGuest(_ key: String) throws {
    driver = ExplorerDriver()
    try driver.press(key)
    #expect(driver.status == "no Linux guest is known in this memory")
    #expect(driver.screenID == .tree)
  }

  @Test("A capture names its regions without a guest")
  mutating func capture() throws {
    driver = ExplorerDriver(width: 120, height: 40)
    let lines = [
      "0x100000\t0x400000\t0x408fff\trw-p\t0x1000\tuser\t/bin/tool",
      "*\t0xffff800000000000\t0xffff80007fffffff\t-\t-\tvmalloc\tnobody",
    ]
    driver.send(.guestRead(GuestNames(CapturedRegions(lines: lines))))
    try driver.press("g \"402000\" Enter")
    #expect(driver.detail.contains("region   /bin/tool") && driver.detail.contains("file at  0x3000"))
    try driver.press("R")
    #expect(driver.screen.contains("vmalloc nobody"))
    try driver.press("Esc i")
    #expect(driver.status.hasPrefix("a capture keeps only"))
  }

  @Test("A name of the guest cannot write to the terminal")
  func untrusted() {
    let region = NamedRegion.user("/tmp/e\u{1b}[31mvil")
    #expect(!region.title(fitting: 80).contains("\u{1b}"))
    #expect(region.title(fitting: 12) == "../e?[31mvil")
  }

  @Test("Of a path, the last parts are kept, behind a mark for the others; a path in the root stays as it is")
  func paths() {
    #expect(NamedRegion.user("/dev/zero (deleted)").title(fitting: 18) == "../zero (deleted)")
    #expect(NamedRegion.user("/usr/lib/x86_64/libc.so").title(fitting: 20) == "../x86_64/libc.so")
    #expect(NamedRegion.user("/dev/zero (deleted)").title(fitting: 19) == "/dev/zero (deleted)")
    #expect(NamedRegion.user("/scenario").title(fitting: 8) == "/scena..")
  }
}

extension NamedRegion {
  fileprivate static func user(_ name: String) -> NamedRegion {
    NamedRegion(
      kind: .user, first: VirtualAddress(0x1000), last: VirtualAddress(0x1fff), name: name,
      permissions: "r--p",
      fileOffset: 0)
  }
}

@Suite("Names that are read behind what the person does")
struct NameReadingTests {
  private var driver: ExplorerDriver

  init() {
    driver = ExplorerDriver(
      memory: NamedGuest.image.memory, spaces: NamedGuest.unnamed.spaces, width: 120, height: 40)
    driver.readsNamesAtOnce = false
  }

  private func question(_ work: [ExplorerWork]) -> (request: Int, search: NamesSearch)? {
    for case .readNames(let request, let search) in work { return (request, search) }
    return nil
  }

  @Test("Nothing is asked before the guest is known; then each space once, one at a time")
  mutating func once() throws {
    try driver.press("j")
    #expect(question(driver.work) == nil)
    driver.send(.guestRead(try #require(NamedGuest.names)))
    let first = try #require(question(driver.work))
    #expect(driver.explorer.isNaming)
    try driver.press("k")
    #expect(question(driver.work) == nil, "one is being answered")
    driver.send(.namesRead(request: first.request, first.search.run()))
    let second = try #require(question(driver.work))
    #expect(second.search.space.space.root != first.search.space.space.root)
    driver.send(.namesRead(request: second.request, second.search.run()))
    try driver.press("j")
    #expect(question(driver.work) == nil && !driver.explorer.isNaming)
  }

  @Test("An answer that nobody waits for is dropped")
  mutating func late() throws {
    driver.send(.guestRead(try #require(NamedGuest.names)))
    let first = try #require(question(driver.work))
    driver.send(.namesRead(request: first.request + 1, first.search.run()))
    #expect(driver.explorer.isNaming)
  }

  @Test("The list of regions that was opened too early fills in by itself")
  mutating func list() throws {
    driver.send(.spacesFound(NamedGuest.spaces, isComplete: true))
    driver.send(.guestRead(try #require(NamedGuest.names)))
    let first = try #require(question(driver.work))
    driver.send(.namesRead(request: first.request, first.search.run()))
    try driver.press("/ \"shell\" Enter")
    let second = try #require(question(driver.work))
    try driver.press("R")
    #expect(driver.screen.contains("the regions are being read"))
    driver.send(.namesRead(request: second.request, second.search.run()))
    #expect(driver.screen.contains("[heap]"))
  }

  @Test("The selection, what is open, and the filter stay when names come")
  mutating func staying() throws {
    driver.readsNamesAtOnce = true
    try driver.press("g \"ffffc90000001000\" Enter f \"!huge\" Enter")
    let (row, rows) = (driver.row, driver.rows.count)
    driver.send(.spacesFound(NamedGuest.spaces, isComplete: true))
    driver.tell()
    #expect(driver.row?.virtual == row?.virtual && driver.row?.level == row?.level)
    #expect(driver.rows.count == rows)
    #expect(driver.explorer.tree.filter.text == "!huge")
  }
}
