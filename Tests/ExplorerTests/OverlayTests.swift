import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Mirrors of one's own, on an overlay")
struct OverlayTests {
  private var driver = SharingGuest.driver(width: 120)

  @Test("A mirror appears in the kernel's half, writable for the supervisor, with the same frames")
  mutating func making() throws {
    try driver.press("g \"400000\" Enter")
    driver.run("mirror 3000")
    let row = try #require(driver.row)
    #expect(row.virtual >= SmallGuest.scheme.upperHalf)
    #expect(row.address == PhysicalAddress(0x20_0000))
    #expect(row.access == [.write])
    let space = SmallGuest.spaces[0].space
    for page in 0..<UInt64(3) {
      let found = space.translate(row.virtual.advanced(by: page * 0x1000), in: driver.explorer.memory)
      #expect(found.page?.physical == PhysicalAddress(0x20_0000 + page * 0x1000))
    }
    #expect(driver.lines.first?.contains("overlay") == true)
    let untouched = space.translate(row.virtual, in: SharingGuest.memory)
    #expect(untouched.page == nil, "the source is not written")
  }

  @Test("It is among the mirrors once the spaces are indexed again")
  mutating func listed() throws {
    let before = driver.explorer.index?.mirrors.count ?? 0
    try driver.press("g \"404000\" Enter")
    driver.run("mirror 2000")
    let address = try #require(driver.row?.virtual)
    #expect(driver.explorer.index?.mirrors.count == before + 1)
    #expect(driver.explorer.index?.mirrors.contains { $0.kernelVA == address && $0.length == 0x2000 } == true)
  }

  @Test("Dropped, it is gone, and so is the overlay")
  mutating func dropping() throws {
    try driver.press("g \"400000\" Enter")
    driver.run("mirror")
    let address = try #require(driver.row?.virtual)
    driver.run("unmirror")
    let space = SmallGuest.spaces[0].space
    #expect(space.translate(address, in: driver.explorer.memory).page == nil)
    #expect(driver.lines.first?.contains("overlay") == false)
    #expect(driver.status.contains("dropped"))
    driver.run("unmirror")
    #expect(driver.work == [.bell])
  }

  @Test("Of several, one is chosen from a list")
  mutating func several() throws {
    for page in ["400000", "402000"] {
      driver.run("goto \(page)")
      driver.run("mirror")
    }
    let last = try #require(driver.row?.virtual)
    driver.run("unmirror")
    #expect(driver.screenID == .overlays)
    try driver.press("j D")
    #expect(driver.explorer.overlay.made.count == 1)
    let space = SmallGuest.spaces[0].space
    #expect(space.translate(last, in: driver.explorer.memory).page == nil)
    try driver.press("D")
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.overlay.made.isEmpty)
  }

  @Test(
    "The message counts whole pages, whatever was asked for",
    arguments: [
      ("1", "mirrored 4K, 1 page, of init 1"), ("2001", "mirrored 12K, 3 pages, of init 1"),
    ])
  mutating func wholePages(_ length: String, _ message: String) throws {
    try driver.press("g \"400000\" Enter")
    driver.run("mirror " + length)
    #expect(driver.status.hasPrefix(message), "\(driver.status)")
  }

  @Test("The user copy of an isolated space has no kernel of its own: the refusal names the one that has")
  mutating func userCopy() throws {
    var spaces = SmallGuest.spaces
    spaces[0].isolation = .userCopy(kernelRoot: spaces[1].space.root)
    driver.find(spaces)
    try driver.press("g \"400000\" Enter")
    driver.run("mirror")
    #expect(driver.explorer.problem?.contains("the user copy") == true)
    #expect(driver.explorer.problem?.contains("go to shell 2 first") == true)
    #expect(!driver.explorer.memory.isChanged)
  }

  @Test("A script that drops a mirror where there is none stops there")
  mutating func nothingToDrop() {
    driver.run("unmirror")
    #expect(driver.explorer.problem?.contains("no mirror was made here") == true)
  }

  @Test(
    "What cannot be mirrored says why, and changes nothing",
    arguments: [
      ("g \"ffff800000000000\" Enter", "mirror", "user space"), ("Enter", "mirror", "mapped user page"),
      ("g \"409000\" Enter", "mirror 5000", "nothing is mapped"),
      ("g \"400000\" Enter", "mirror zero", "not a length"),
      ("g \"400000\" Enter", "mirror 0", "not a length"),
      ("g \"400000\" Enter", "mirror 16E", "'16E' is not a length"),
    ])
  mutating func refused(_ keys: String, _ command: String, _ reason: String) throws {
    try driver.press(keys)
    driver.run(command)
    #expect(driver.work == [.bell])
    #expect(driver.status.contains(reason), "\(driver.status)")
    #expect(driver.explorer.problem == driver.status, "a script stops there")
    #expect(!driver.explorer.memory.isChanged)
  }
}

@Suite("Captions and pauses of a tour")
struct TourTests {
  private var driver = SharingGuest.driver()

  @Test("A caption stands over the lowest lines, wrapped, until another one or none")
  mutating func caption() throws {
    driver.run("caption " + String(repeating: "words of a tour ", count: 12))
    #expect(driver.lines.filter { $0.contains("words of") }.count >= 2)
    #expect(driver.lines.last?.contains("help") == true, "the keys stay")
    driver.run("caption")
    #expect(!driver.screen.contains("words of"))
  }

  @Test("A pause takes all keys: Enter continues, others do nothing")
  mutating func pause() throws {
    driver.run("caption look")
    driver.run("pause")
    #expect(driver.explorer.isPaused)
    let row = driver.path
    try driver.press("j G S :")
    #expect(driver.path == row)
    #expect(driver.screenID == .tree)
    try driver.press("Enter")
    #expect(!driver.explorer.isPaused)
    try driver.press("j")
    #expect(driver.path != row)
  }

  @Test("A pause says which of how many it is, where there are several")
  mutating func place() throws {
    driver.run("caption look")
    driver.explorer.tell(pause: 3, of: 18)
    driver.run("pause")
    #expect(driver.screen.contains("3 of 18   Enter continues"))
    driver.explorer.tell(pause: 1, of: 1)
    #expect(!driver.screen.contains(" of 1 "))
    #expect(try Script.parse(":pause\n:caption pause\nj").map(\.isPause) == [true, false, false])
  }

  @Test("Esc, q and Ctrl-C leave the tour and give the keyboard back", arguments: ["Esc", "q", "Ctrl-c"])
  mutating func leaving(_ key: String) throws {
    driver.run("caption look")
    driver.run("pause")
    try driver.press(key)
    #expect(driver.work == [.endScript])
    #expect(!driver.explorer.isPaused)
    #expect(!driver.screen.contains("look "))
    try driver.press("j")
    #expect(driver.path == "shell 2")
  }

  @Test("Q leaves the program, as everywhere")
  mutating func quitting() throws {
    driver.run("pause")
    try driver.press("Q")
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test("An interrupt leaves it, too")
  mutating func interrupt() throws {
    driver.run("pause")
    driver.send(.input(.interrupt))
    #expect(driver.work == [.endScript])
  }

  @Test("A caption's control characters do not reach the screen")
  mutating func untrusted() {
    driver.run("caption a\u{1B}[2Jb")
    #expect(!driver.screen.contains("\u{1B}"))
  }
}
