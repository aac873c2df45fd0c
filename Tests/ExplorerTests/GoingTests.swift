import Canvas
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Going to addresses")
struct GoingTests {
  private var driver = ExplorerDriver()

  @Test(
    "An address goes to the entry that maps it, however it is written",
    arguments: ["401000", "0x401000", "0x40_1000", "00000000_00401000", "00401 000", "401abc"])
  mutating func spelling(_ text: String) throws {
    try driver.press("g \"\(text)\" Enter")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[1]")
    #expect(driver.explorer.prompt == nil)
  }

  @Test("The answer names the physical address, or the entry at which the walk stops and why")
  mutating func answer() throws {
    try driver.press("g \"401abc\" Enter")
    #expect(driver.status == "00000000_00401abc is at 0x201abc")
    #expect(driver.explorer.status.role == .status)
    try driver.press("g \"1000000\" Enter")
    #expect(driver.status == "00000000_01000000 stops at PD[8]: absent, nothing is mapped there")
    #expect(driver.explorer.status.role == .warning)
    try driver.press("g \"800000\" Enter")
    #expect(driver.status == "00000000_00800000 stops at PD[4]: malformed")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[4]")
    try driver.press("g \"40a000\" Enter")
    #expect(driver.status == "00000000_0040a000 stops at PT[10]: not present, marked (PROT_NONE)")
    try driver.press("g \"8000000000\" Enter")
    #expect(driver.status == "00000080_00000000 stops at PML4[1]: the table it points at is not in the dump")
    try driver.press("g \"10000000000\" Enter")
    #expect(
      driver.status
        == "00000100_00000000 stops at PML4[2]: the table it points at lies outside physical memory")
  }

  @Test("A frame that the dump does not hold is a remark, not a fault")
  mutating func frameNotInDump() throws {
    try driver.press("g \"40b123\" Enter")
    #expect(driver.status == "00000000_0040b123 is at 0x7000123, which is not in the dump")
    #expect(driver.explorer.status.role == .status)
  }

  @Test("An address that is not canonical stays in its prompt; Tab takes the nearest one, Enter goes")
  mutating func nonCanonical() throws {
    try driver.press("g \"ffff7fffffffff00\" Enter")
    let prompt = try #require(driver.explorer.prompt)
    #expect(prompt.kind == .goto)
    #expect(prompt.problem.contains("not canonical"))
    #expect(prompt.problemText.contains("ffff8000_00000000"))
    #expect(driver.explorer.prompt?.field.text == "ffff7fffffffff00")
    try driver.press("Tab")
    #expect(driver.explorer.prompt?.field.text == "ffff8000_00000000")
    #expect(driver.explorer.prompt?.problem == "")
    try driver.press("Enter")
    #expect(driver.path.hasPrefix("init 1 > PML4[256] > PDPT[0] > PD[0]"))
  }

  @Test("Just above the lower half the nearest address is its last")
  mutating func nearestBelow() throws {
    try driver.press("g \"800000000000\" Enter Tab")
    #expect(driver.explorer.prompt?.field.text == "00007fff_ffffffff")
  }

  @Test("On 32 bits, too large an address is told so")
  func tooLarge() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("small", scheme: X86.paging32())
    memory.map(0x8000_0000, to: 0x5000, in: space)
    var driver = ExplorerDriver(memory: memory, spaces: [.init(space: space, origin: .given)])
    try driver.press("g \"180000000\" Enter")
    #expect(driver.explorer.prompt?.problemText == "too large for x86 32-bit; Tab takes ffffffff")
    try driver.press("Tab Enter")
    #expect(driver.status.hasPrefix("ffffffff stops at PD[1023]"))
  }

  @Test("What is no address is told so in the prompt, and typing on takes the remark away")
  mutating func nonsense() throws {
    try driver.press("g \"xyz\" Enter")
    #expect(driver.explorer.prompt?.problem.contains("'xyz' is not an address") == true)
    try driver.press("Backspace")
    #expect(driver.explorer.prompt?.problem == "")
    #expect(driver.explorer.prompt?.field.text == "xy")
    try driver.press("Esc")
    #expect(driver.explorer.prompt == nil)
    #expect(driver.path == "init 1")
  }

  @Test(
    "Offsets count from the selected row",
    arguments: [("+1000", "PT[6]"), ("+ 0x2000", "PT[7]"), ("-5000", "PT[0]"), ("+3", "PT[5]")])
  mutating func offsets(_ text: String, _ entry: String) throws {
    try driver.press("g \"405000\" Enter g \"\(text)\" Enter")
    #expect(driver.path.hasSuffix(" > \(entry)"))
  }

  @Test("gg goes to the first row, G to the last")
  mutating func ends() throws {
    try driver.press("Enter G")
    #expect(driver.path == "shell 2")
    try driver.press("g g")
    #expect(driver.path == "init 1")
    #expect(driver.explorer.prompt == nil)
    try driver.press("End Home")
    #expect(driver.path == "init 1")
  }

  @Test("The address is looked up in the space of the selection")
  mutating func ofSelectedSpace() throws {
    try driver.press("G g \"500000\" Enter")
    #expect(driver.path == "shell 2 > PML4[0] > PDPT[0] > PD[2] > PT[256]")
  }

  @Test("A filter that hides the target is taken off")
  mutating func filterInTheWay() throws {
    try driver.press("f \"1g\" Enter g \"401000\" Enter")
    #expect(driver.path.hasSuffix("PT[1]"))
    #expect(driver.explorer.tree.filter.isEmpty)
  }

  @Test("A filter that shows the target stays")
  mutating func filterNotInTheWay() throws {
    try driver.press("f \"w\" Enter g \"401000\" Enter")
    #expect(driver.path.hasSuffix("PT[1]"))
    #expect(driver.explorer.tree.filter.text == "w")
  }

  @Test("What is gone to is on the screen", arguments: [24, 10, 4, 2, 1])
  mutating func isVisible(height: Int) throws {
    try driver.press("size 80x\(height)\ng \"ffff800040000000\" Enter")
    let visible = driver.explorer.top..<driver.explorer.top + driver.explorer.layout.tree.height
    #expect(visible.contains(driver.explorer.selection))
  }

  // MARK: Physical addresses

  @Test(
    "p: asks for a search in the selection's space, and goes where the answer says",
    arguments: ["p:", "pa=", "PA:"])
  mutating func physical(_ prefix: String) throws {
    try driver.press("g \"\(prefix)0x203010\" Enter")
    guard case .findPhysical(let request, let space, let address)? = driver.work.first else {
      Issue.record("\(driver.work)")
      return
    }
    #expect(address == PhysicalAddress(0x20_3010))
    #expect(space == SmallGuest.spaces[0].space)
    #expect(driver.explorer.isBusy)
    let found = PhysicalSearch.first(mapping: address, in: space, memory: SmallGuest.memory)
    #expect(found == VirtualAddress(0x40_3010))
    driver.send(.physicalFound(request: request, found))
    #expect(!driver.explorer.isBusy)
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[3]")
    try driver.press("Backspace")
    #expect(driver.path == "init 1", "such a jump can be taken back")
  }

  @Test("A physical address that nothing maps is told so, and nothing moves")
  mutating func unmapped() throws {
    try driver.press("g \"p:deadbe000\" Enter")
    driver.send(.physicalFound(request: 1, nil))
    #expect(driver.explorer.status.role == .warning)
    #expect(driver.path == "init 1")
  }

  @Test("The answer is about the space that was searched, wherever the selection is by then")
  mutating func answerOfItsSpace() throws {
    try driver.press("g \"p:203000\" Enter G")
    #expect(driver.path == "shell 2")
    driver.find(SmallGuest.spaces.reversed())
    driver.send(.physicalFound(request: 1, VirtualAddress(0x40_3000)))
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[3]")
  }

  @Test("The answer to a search that was given up, or to an older one, moves nothing")
  mutating func lateAnswers() throws {
    try driver.press("g \"p:200000\" Enter Esc")
    #expect(driver.work.contains(.cancelFindPhysical))
    #expect(!driver.explorer.isBusy)
    driver.send(.physicalFound(request: 1, VirtualAddress(0x40_0000)))
    #expect(driver.path == "init 1")
    try driver.press("g \"p:200000\" Enter g \"p:300000\" Enter")
    driver.send(.physicalFound(request: 2, VirtualAddress(0x40_0000)))
    #expect(driver.path == "init 1")
    #expect(driver.explorer.isBusy)
    driver.send(.physicalFound(request: 3, VirtualAddress(0x40_9000)))
    #expect(driver.path.hasSuffix("PT[9]"))
  }

  @Test("Bad digits after p: are told in the prompt")
  mutating func badPhysical() throws {
    try driver.press("g \"p:xyz\" Enter")
    #expect(driver.explorer.prompt?.problem == "'xyz' is not an address")
  }

  @Test(
    "The search finds the lowest mapping, in huge pages and folds, too",
    arguments: [(0x20_8fff, 0x40_8fff), (0x60_1234, 0xc0_1234), (0x80_0000, 0xffff_8000_0000_0000)]
      as [(UInt64, UInt64)])
  func physicalSearch(_ physical: UInt64, _ virtual: UInt64) {
    let found = PhysicalSearch.first(
      mapping: PhysicalAddress(physical), in: SmallGuest.spaces[0].space, memory: SmallGuest.memory)
    #expect(found == VirtualAddress(virtual))
  }

  @Test("A search that is cancelled finds nothing")
  func cancelledSearch() {
    let found = PhysicalSearch.first(
      mapping: PhysicalAddress(0x20_0000), in: SmallGuest.spaces[0].space, memory: SmallGuest.memory
    ) { true }
    #expect(found == nil)
  }

  @Test("A search in a memory in which every entry points at one page ends")
  func hostileSearch() {
    var memory = TableMemory()
    let space = memory.makeSpace("loop", scheme: X86.paging4Level())
    for slot in 0..<512 { memory.set(table: space.root.value, slot: slot, to: space.root.value | 3) }
    let found = PhysicalSearch.first(mapping: PhysicalAddress(0x1234), in: space, memory: memory)
    #expect(found == nil)
    #expect(memory.pageReads < 20)
  }

  @Test("A sum that does not fit into 64 bits says so")
  func sumTooLarge() throws {
    var driver = ExplorerDriver()
    try driver.press("g \"ffffffffffffffff+1\" Enter")
    #expect(driver.explorer.prompt?.problem.contains("does not fit into 64 bits") == true)
  }
}
