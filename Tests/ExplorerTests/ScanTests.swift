import Guests
import PageTables
import Testing

@testable import Explorer

@Suite("Work that runs behind: the scan, counts, answers that come late")
struct ScanTests {
  private var driver: ExplorerDriver = {
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: [])
    driver.explorer = Explorer(
      memory: SmallGuest.memory, sourceName: "guest.elf", formatName: "ELF core", warnings: [])
    return driver
  }()

  private mutating func startScan() {
    driver.find([SmallGuest.spaces[0]], isComplete: false)
    driver.explorer.scanStarted()
  }

  @Test("While memory is searched the title shows how far, and keys work")
  mutating func progress() throws {
    startScan()
    #expect(driver.explorer.isBusy)
    driver.send(.scanProgress(0.42))
    #expect(driver.lines.first?.contains("42 %") == true)
    try driver.press("Enter j")
    #expect(driver.path == "init 1 > PML4[0]")
  }

  @Test("Progress that no number describes is shown as one", arguments: [-1.0, 2.0, .infinity, .nan])
  mutating func oddProgress(_ fraction: Double) {
    startScan()
    driver.send(.scanProgress(fraction))
    #expect(driver.lines.first?.contains("%") == true)
  }

  @Test("Spaces that are found later come in around the selection")
  mutating func laterSpaces() throws {
    startScan()
    try driver.press("Enter j")
    driver.find(SmallGuest.spaces.reversed(), isComplete: true)
    #expect(driver.path == "init 1 > PML4[0]")
    #expect(!driver.explorer.isBusy)
    // The title tells how many there are; the keys stay in sight.
    #expect(driver.status == "" && driver.lines.last?.contains("? help") == true)
  }

  @Test("Who was at the first row sees what is put above it")
  mutating func above() throws {
    startScan()
    try driver.press("Enter")
    driver.find(SmallGuest.spaces.reversed(), isComplete: true)
    #expect(driver.path == "init 1")
    #expect(driver.explorer.top == 0)
    #expect(driver.screen.contains("shell"))
  }

  @Test("What a scan finds wrong with the source is said when it ends")
  mutating func warningOfTheScan() throws {
    startScan()
    var found = FoundSpaces()
    found.spaces = SmallGuest.spaces
    found.warnings = ["try --hole 0x800000..0x100000000", "another"]
    driver.send(.spacesFound(found, isComplete: true))
    #expect(driver.status == "try --hole 0x800000..0x100000000 (and 1 more: :warnings)")
  }

  @Test("The end of the scan takes no message away")
  mutating func keepsMessage() throws {
    startScan()
    try driver.press("y v")
    driver.find(SmallGuest.spaces)
    #expect(driver.status.contains("0x0"))
  }

  @Test("Esc stops the scan; what it found stays, and :scan starts it again")
  mutating func cancelling() throws {
    startScan()
    try driver.press("Esc")
    #expect(driver.work == [.cancelScan])
    driver.send(.scanCancelled)
    #expect(!driver.explorer.isBusy)
    #expect(driver.rows == ["space init 1"])
    #expect(driver.status.contains(":scan"))
    driver.run("scan")
    #expect(driver.work == [.scan])
    #expect(driver.explorer.isBusy)
    driver.run("scan")
    #expect(driver.work == [.bell], "one at a time")
  }

  @Test("Ctrl-C stops the scan first, and leaves then")
  mutating func interrupting() {
    startScan()
    driver.send(.input(.interrupt))
    #expect(driver.work == [.cancelScan])
    driver.send(.scanCancelled)
    driver.send(.input(.interrupt))
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test("Esc in a prompt or a list leaves that, and no work")
  mutating func escapeElsewhere() throws {
    startScan()
    try driver.press("s Esc / \"x\" Esc")
    #expect(driver.work == [])
    #expect(driver.explorer.isBusy)
  }

  @Test("When nothing is found the explorer says what to do, and no key does harm")
  mutating func nothingFound() throws {
    driver.explorer.scanStarted()
    driver.find([])
    #expect(driver.explorer.status.role == .error)
    #expect(driver.status.contains("--root"))
    for binding in Keymap.standard.bindings where binding.applies(to: .tree) {
      var copy = driver
      for key in binding.keys { copy.press(key) }
      copy.press(.character("a"))
      #expect(copy.explorer.tree.rows.isEmpty)
      #expect(!copy.screen.isEmpty)
    }
    try driver.press("s Enter Esc Tab j Esc g")
    #expect(driver.work == [.bell, .bell], "nothing to open, nowhere to go")
  }

  @Test("A memory that was searched to its end is not searched again")
  mutating func complete() {
    startScan()
    driver.find(SmallGuest.spaces)
    driver.run("scan")
    #expect(driver.work == [.bell])
  }

  @Test("Counts of tables come into the title")
  mutating func counts() {
    driver.send(.input(.resize(width: 120, height: 24)))
    driver.find(SmallGuest.spaces)
    // Two roots; below them 3 PDPTs, 3 PDs and 2 PTs, of which the kernel's PDPT and PD are shared; an empty PDPT;
    // and the first root once more at each level below, with the PDPT, PDs and PTs of its tables at others.
    #expect(driver.lines.first?.contains(" tables, ") == true)
  }

  @Test("Failures and notices of the program are shown")
  mutating func messages() {
    driver.find(SmallGuest.spaces)
    driver.send(.failure("out.svg exists"))
    #expect(driver.lines.last?.contains("out.svg exists") == true)
    driver.send(.notice("written: out.txt"))
    #expect(driver.lines.last?.contains("written: out.txt") == true)
  }

  @Test("A late answer leaves a page that was opened in between for good")
  mutating func answerOverPage() throws {
    driver.find(SmallGuest.spaces)
    try driver.press("g \"p:200000\" Enter ?")
    driver.send(.physicalFound(request: 1, VirtualAddress(0x40_0000)))
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.page == nil)
  }
}
