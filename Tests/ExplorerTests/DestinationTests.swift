import Canvas
import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Explorer
@testable import Guests

@Suite("What g takes besides an address of the selected space")
struct DestinationTests {
  private var driver = ExplorerDriver()

  private func isOnScreen(_ driver: ExplorerDriver) -> Bool {
    let visible = driver.explorer.top..<driver.explorer.top + driver.explorer.layout.tree.height
    return visible.contains(driver.explorer.selection)
  }

  // MARK: Spaces

  @Test(
    "An address of another space, by the space's name, its pid or its root",
    arguments: [
      "shell:500000", "SHELL : 0x50_0000", "shell 2:500000", "pid:2:500000", "pid: 2 : 500000", "2:500000",
      "hell:500000",
    ])
  mutating func addressOfSpace(_ text: String) throws {
    try driver.press("g \"\(text)\" Enter")
    if text.hasPrefix("hell") {
      #expect(driver.explorer.prompt?.problem.hasPrefix("no space is called 'hell'") == true)
    } else {
      #expect(driver.path == "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]")
    }
  }

  @Test("The root stands for its space, too")
  mutating func root() throws {
    let root = String(SmallGuest.spaces[1].space.root.value, radix: 16)
    try driver.press("g \"\(root):500000\" Enter")
    #expect(driver.path == "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]")
  }

  @Test("A process alone is gone to, and opened", arguments: ["pid:2", "shell", "shell:", "she", "shell 2"])
  mutating func process(_ text: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.path == "shell 2")
    #expect(driver.row?.isOpen == true)
    try driver.press("Backspace")
    #expect(driver.path == "init 1")
  }

  @Test("A distance in another space is the same address there")
  mutating func sameAddress() throws {
    try driver.press("g \"500000\" Enter g \"shell:+0\" Enter")
    #expect(driver.path == "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]")
  }

  @Test("Physical addresses are looked for in the space that is named")
  mutating func physical() throws {
    try driver.press("g \"shell:p:200000\" Enter")
    guard case .findPhysical(_, let space, let address)? = driver.work.first else {
      Issue.record("\(driver.work)")
      return
    }
    #expect(space == SmallGuest.spaces[1].space)
    #expect(address == PhysicalAddress(0x20_0000))
  }

  @Test("A pid or a name that nobody has is told so", arguments: ["pid:77", "nobody:1000", "77:1000"])
  mutating func nobody(_ text: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.explorer.prompt?.problem.contains("no space is called") == true)
    #expect(driver.path == "init 1")
  }

  @Test("Of an address that is not canonical, Tab keeps the space")
  mutating func nonCanonical() throws {
    try driver.press("g \"shell:ffff7fffffffff00\" Enter Tab")
    #expect(driver.explorer.prompt?.field.text == "shell:ffff8000_00000000")
  }

  // MARK: Distances

  @Test(
    "A distance counts from the address before it",
    arguments: [("400000+5000", "PT[5]"), ("406000-1000", "PT[5]"), ("0x404000 + 0x1000", "PT[5]")])
  mutating func distances(_ text: String, _ entry: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > \(entry)")
  }

  @Test("A distance below 0 says so")
  mutating func belowZero() throws {
    try driver.press("g \"1000-2000\" Enter")
    #expect(driver.explorer.prompt?.problem.contains("does not fit into 64 bits") == true)
  }

  // MARK: Pointers

  /// A space with a pointer at 10ffc, which crosses into a page that lies elsewhere.
  private static func pointing(_ scheme: PagingScheme, to target: UInt64) -> ExplorerDriver {
    var memory = TableMemory()
    let space = memory.makeSpace("small", scheme: scheme)
    for (virtual, frame) in [(0x1_0000, 0x30_0000), (0x1_1000, 0x20_0000), (0x5000_0000, 0x40_0000)]
      as [(UInt64, UInt64)]
    {
      memory.addPage(frame)
      memory.map(virtual, to: frame, in: space)
    }
    let size = scheme.virtualAddressBits > 32 ? 8 : 4
    for byte in 0..<size {
      let offset = 0xffe + byte
      let frame: UInt64 = offset < 0x1000 ? 0x30_0000 : 0x20_0000
      memory.set(table: frame, slot: offset % 0x1000, to: target >> UInt64(8 * byte) & 0xff, size: 1)
    }
    // What lies behind a pointer of 4 bytes is none of it.
    if size == 4 { memory.set(table: 0x20_0000, slot: 2, to: 0xff, size: 1) }
    return ExplorerDriver(memory: memory, spaces: [FoundSpace(space: space, origin: .given)])
  }

  @Test(
    "* goes where the pointer leads that lies there: of 8 bytes, or of 4 where addresses have 32 bits",
    arguments: [X86.paging4Level(), X86.pae(), X86.paging32()])
  func pointer(_ scheme: PagingScheme) throws {
    var driver = Self.pointing(scheme, to: 0x5000_0123)
    try driver.press("g \"*10ffe\" Enter")
    #expect(driver.explorer.virtualAddress(of: try #require(driver.row)) == VirtualAddress(0x5000_0123))
    #expect(driver.status.contains("0x400123"))
    #expect(driver.status.contains("the pointer at"))
    try driver.press("g \"*10fde+20\" Enter")
    #expect(driver.explorer.virtualAddress(of: try #require(driver.row)) == VirtualAddress(0x5000_0123))
  }

  @Test(
    "A pointer that cannot be read says where",
    arguments: [("*1000000", "nothing is mapped"), ("*40b000", "not in the dump")])
  mutating func noPointer(_ text: String, _ reason: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.explorer.prompt?.problem.contains(reason) == true)
    #expect(driver.path == "init 1")
  }

  @Test("Stars without end, and none with an address, lead nowhere", arguments: ["*", "****", "*shell"])
  mutating func onlyStars(_ text: String) throws {
    let stars = text == "****" ? String(repeating: "*", count: 900) + "401000" : text
    try driver.press("g \"\(stars)\" Enter")
    #expect(driver.explorer.prompt?.problem.isEmpty == false)
  }

  // MARK: Registers

  /// CPU 0 in `init`, CPU 1 in `shell`.
  private static func withRegisters() -> ExplorerDriver {
    var states = SmallGuest.spaces.map { space in
      CPUState(
        cr0: 0x8000_0001, cr3: space.space.root.value | 0x18, cr4: 0x20, instructionPointer: 0x40_1abc)
    }
    states[1].instructionPointer = 0x50_0010
    states[0].general = [.init(name: "rsp", value: 0x40_5678)]
    states[1].general = [.init(name: "rsp", value: 0x50_0200)]
    var driver = ExplorerDriver(
      memory: SmallGuest.memory, spaces: SmallGuest.spaces, registers: Registers(states))
    driver.send(.notice(""))
    return driver
  }

  @Test(
    "A register leads where it points, in the space of its CPU",
    arguments: [
      ("rip", "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[1]"),
      ("RSP", "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[5]"),
      ("esp", "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[5]"),
      ("rip@1", "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]"),
      ("rsp+1000", "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[6]"),
      ("cr3", "init 1"), ("cr3@1", "shell 2"),
      ("shell:rip@1", "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]"),
      ("init:rip@1", "init 1 > PML4[0] > PDPT[0] > PD[2]"),
    ])
  func register(_ text: String, _ path: String) throws {
    var driver = Self.withRegisters()
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.path.hasPrefix(path))
  }

  /// As AArch64's processors have them: CPU 0 has both of its roots here, CPU 1 only the upper one.
  @Test(
    "Of two roots each leads to its space; an address lies in that of the first known one",
    arguments: [
      ("ttbr0", "init 1"), ("ttbr0_el1", "init 1"), ("TTBR1", "shell 2"), ("ttbr1@1", "shell 2"),
      ("pc", "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[1]"),
      ("pc@1", "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]"),
    ])
  func twoRoots(_ text: String, _ path: String) throws {
    func cpu(_ lower: UInt64, pc: UInt64) -> CPUState {
      CPUState(
        translation: [
          .init(name: "ttbr0_el1", value: lower),
          .init(name: "ttbr1_el1", value: SmallGuest.spaces[1].space.root.value),
          .init(name: "tcr_el1", value: 0x1_5000_0000),
        ], instructionPointer: pc, general: [])
    }
    let states = [
      cpu(SmallGuest.spaces[0].space.root.value, pc: 0x40_1abc), cpu(0xffff_f000, pc: 0x50_0010),
    ]
    var driver = ExplorerDriver(
      memory: SmallGuest.memory, spaces: SmallGuest.spaces, registers: Registers(states))
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.path.hasPrefix(path))
  }

  @Test("The answer names the CPU")
  func registerStatus() throws {
    var driver = Self.withRegisters()
    try driver.press("g \"rip@1\" Enter")
    #expect(driver.status == "00000000_00500010 is at 0x200010; rip of CPU 1")
  }

  @Test("A CPU that is not there is told so; without registers, their names mean nothing")
  mutating func noCPU() throws {
    var with = Self.withRegisters()
    try with.press("g \"rip@2\" Enter")
    #expect(with.explorer.prompt?.problem == "there is no CPU 2: the source has registers of CPUs 0 to 1")
    try driver.press("g \"rip\" Enter")
    #expect(driver.explorer.prompt?.problem.contains("is not an address") == true)
  }

  @Test("Tab completes registers and processes")
  func completion() throws {
    var driver = Self.withRegisters()
    try driver.press("g \"rs\" Tab")
    #expect(driver.explorer.prompt?.offers == ["rsp", "rsp@1"])
    try driver.press("Ctrl-u \"sh\" Tab")
    #expect(driver.explorer.prompt?.field.text == "shell:")
    try driver.press("\"rip@\" Tab")
    #expect(driver.explorer.prompt?.field.text == "shell:rip@1")
    try driver.press("Ctrl-u \"*ri\" Tab")
    #expect(driver.explorer.prompt?.offers == ["*rip", "*rip@1"])
  }

  // MARK: What is absent

  @Test("An address at which nothing is mapped has its row on the screen", arguments: [24, 10, 4])
  mutating func absentRow(height: Int) throws {
    try driver.press("size 80x\(height)\ng \"1000000\" Enter")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[7] x505")
    #expect(driver.row?.entryKind == .absent)
    #expect(isOnScreen(driver))
    #expect(driver.status == "00000000_01000000 stops at PD[8]: absent, nothing is mapped there")
    #expect(driver.rows.filter { $0.hasPrefix("absent") } == ["absent PD[7] x505"], "no others are shown")
  }

  @Test("The row goes when one goes on, or back", arguments: ["Backspace", "g \"401000\" Enter"])
  mutating func absentRowGoes(_ keys: String) throws {
    try driver.press("g \"1000000\" Enter \(keys)")
    #expect(!driver.rows.contains { $0.hasPrefix("absent") })
  }

  @Test("In an open table and in an empty one, too")
  mutating func absentInOpenTable() throws {
    try driver.press("g \"401000\" Enter g \"1000000\" Enter")
    #expect(driver.row?.entryKind == .absent)
    #expect(driver.rows.contains("PT[9]"), "what was open stays open")
    try driver.press("g \"18000000000\" Enter")
    #expect(driver.path == "init 1 > PML4[3] > PDPT[0] x512")
    try driver.press("Backspace")
    #expect(!driver.rows.contains { $0.hasPrefix("absent PDPT") })
  }

  @Test("A filter in the way is taken off")
  mutating func absentUnderFilter() throws {
    try driver.press("f \"w\" Enter g \"1000000\" Enter")
    #expect(driver.row?.entryKind == .absent)
    #expect(driver.explorer.tree.filter.isEmpty)
  }
}

@Suite("Going to what a guest names")
struct NamedDestinationTests {
  private var driver = NamedGuest.driver(width: 120, height: 40)

  @Test("A region of another process is found, once its names are read", arguments: [true, false])
  mutating func regionOfOther(atOnce: Bool) throws {
    driver.readsNamesAtOnce = atOnce
    try driver.press("g \"shell:[heap]\" Enter")
    if !atOnce {
      #expect(driver.explorer.isBusy)
      let question = driver.work.compactMap { work -> (Int, NamesSearch)? in
        if case .readNames(let number, let search) = work { (number, search) } else { nil }
      }.last
      let asked = try #require(question)
      driver.send(.namesRead(request: asked.0, asked.1.run()))
    }
    #expect(!driver.explorer.isBusy)
    #expect(driver.path.hasPrefix("shell 8 > "))
    #expect(driver.row?.virtual == VirtualAddress(0x60_0000))
  }

  @Test("Names that were not found come back to where they were typed")
  mutating func noRegionOfOther() throws {
    try driver.press("g \"shell:[hoop]\" Enter")
    #expect(driver.explorer.prompt?.field.text == "shell:[hoop]")
    #expect(driver.explorer.prompt?.problem.hasPrefix("no such symbol, region or process") == true)
  }

  @Test("A name need not be finished", arguments: ["hea", "[he", "HEAP", "shell:hea"])
  mutating func unfinished(_ text: String) throws {
    try driver.press("g \"shell\" Enter g \"\(text)\" Enter")
    #expect(driver.row?.virtual == VirtualAddress(0x60_0000))
  }

  // The region begins at 7f000000; only its last page, at 7f00f000, is there.
  @Test("Going to a region goes to its first page that is present, and says so")
  mutating func firstPresent() throws {
    try driver.press("g \"shell:stack\" Enter")
    #expect(driver.row?.virtual == VirtualAddress(0x7f00_f000))
    #expect(
      driver.status
        == "00000000_7f00f000 [stack] is at 0x8200000; the first page present, 60K from the region's start")
    try driver.press("g \"shell:hea\" Enter")
    #expect(driver.status == "00000000_00600000 [heap] is at 0x8100000", "the first page is there")
  }

  @Test("A distance behind a region counts from its start")
  mutating func insideRegion() throws {
    try driver.press("g \"shell:[stack]+f800\" Enter")
    #expect(driver.status == "00000000_7f00f800 [stack] is at 0x8200800")
  }

  @Test("Tab completes regions by the beginning of their names, with what stands before them")
  mutating func completion() throws {
    try driver.press("g \"shell\" Enter g \"hea\" Tab")
    #expect(driver.explorer.prompt?.field.text == "[heap]")
    try driver.press("Ctrl-u \"shell:sta\" Tab")
    #expect(driver.explorer.prompt?.field.text == "shell:[stack]")
  }

  @Test("Processes that run in a space stand for it")
  mutating func helper() throws {
    try driver.press("g \"pid:9\" Enter")
    #expect(driver.path == "shell 8")
    try driver.press("g g g \"helper:600000\" Enter")
    #expect(driver.row?.virtual == VirtualAddress(0x60_0000))
  }
}

@Suite("The first page that is present")
struct FirstPresentPageTests {
  @Test("Hostile tables do not keep a key waiting")
  func hostile() {
    var memory = TableMemory()
    let space = memory.makeSpace("loop", scheme: X86.paging4Level())
    for slot in 0..<512 { memory.set(table: space.root.value, slot: slot, to: space.root.value | 3) }
    // At the last level a table that points at itself is full of pages; this one has none.
    let answer = FirstPresentPage.look(
      in: SmallGuest.spaces[0].space, from: VirtualAddress(0x180_0000_0000),
      through: VirtualAddress(0x1ff_ffff_ffff),
      memory: SmallGuest.memory)
    #expect(answer == .nothing)
    let first = FirstPresentPage.look(
      in: space, from: VirtualAddress(0x1234), through: VirtualAddress(0x7fff_ffff_ffff), memory: memory)
    #expect(first == .page(VirtualAddress(0x1234)))
    #expect(memory.pageReads < 3_000)
  }

  @Test("A page that begins before the addresses counts from their first one")
  func insideHugePage() {
    let answer = FirstPresentPage.look(
      in: SmallGuest.spaces[0].space, from: VirtualAddress(0xc0_1000), through: VirtualAddress(0xcf_ffff),
      memory: SmallGuest.memory)
    #expect(answer == .page(VirtualAddress(0xc0_1000)))
  }
}
