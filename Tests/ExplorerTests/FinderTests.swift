import Testing

@testable import Explorer

@Suite("The finder: some letters of a name lead anywhere")
struct FinderTests {
  private static func score(_ query: String, _ text: String) -> Int? {
    FuzzyQuery(query).score(of: Array(text.utf8)[...])
  }

  @Test(
    "All words must be there, each with its letters in order",
    arguments: [
      ("bsy", "busybox", true), ("ybs", "busybox", false), ("BUSY", "busybox", true),
      ("busy", "BusyBox", true),
      ("heap init", "[heap] init 1", true), ("init heap", "[heap] init 1", true),
      ("heap shell", "[heap] init 1", false), ("", "anything", true), ("  ", "anything", true),
      ("x", "", false),
    ])
  func answers(_ query: String, _ text: String, _ isFound: Bool) {
    #expect((Self.score(query, text) != nil) == isFound)
  }

  @Test(
    "What a person means comes first",
    arguments: [
      // The whole word before a part of one, its beginning before its middle, together before apart.
      ("init", "init 1", "initrd_load"), ("task", "task_work", "multitask"), ("ta", "init_task", "tiara"),
      ("vma", "vma_merge", "virtual_memory_area"), ("area", "virtual_memory_area", "allocate_reserve_again"),
    ])
  func order(_ query: String, _ first: String, _ second: String) throws {
    #expect(try #require(Self.score(query, first)) > #require(Self.score(query, second)))
  }

  private var driver = NamedGuest.driver(width: 100, height: 24)

  private func row(_ text: String) -> Bool { driver.lines.contains { $0.contains(text) } }

  @Test("Letters of a region and of its process go to its first page that is there, and Backspace comes back")
  mutating func region() throws {
    try driver.press("/ \"init\" Enter o \"shel hea\"")
    #expect(row("region  [heap]"))
    try driver.press("Enter")
    #expect(driver.path.hasPrefix("shell 8 > "))
    #expect(driver.detail.contains("region   [heap]"))
    try driver.press("Backspace")
    #expect(driver.path == "init 1")
  }

  @Test(
    "A process is found by its name, its command line, and what else runs in its space",
    arguments: [
      "shell", "sh -c", "helper",
    ])
  mutating func process(_ letters: String) throws {
    try driver.press("o \"\(letters)\"")
    #expect(driver.lines[4].contains("space") && driver.lines[4].contains("shell 8"), "\(driver.lines[4])")
    try driver.press("Enter")
    #expect(driver.path == "shell 8")
  }

  @Test("Where letters match about as well, spaces come first, then files and regions, symbols last")
  mutating func kinds() throws {
    try driver.press("o \"e\"")
    let list = driver.explorer.list(.finder)
    let kinds = (0..<list.content.count).map { list.content.columns[0].shown($0) }
    let last = ["space", "file", "region"].compactMap { kinds.lastIndex(of: $0) }.max() ?? 0
    #expect(kinds.first == "space" && kinds.contains("symbol"), "\(kinds)")
    #expect(try #require(kinds.firstIndex(of: "symbol")) > last, "\(kinds)")
  }

  @Test("A symbol whose name is typed comes before what has its letters somewhere")
  mutating func wholeSymbol() throws {
    try driver.press("o \"caller_of_areas\"")
    #expect(driver.lines[4].contains("symbol  caller_of_areas"), "\(driver.screen)")
  }

  @Test("A script that waits waits for the regions, too")
  mutating func waiting() {
    #expect(!driver.explorer.isNaming)
    let work = driver.explorer.update(.input(.key(.character("o"))))
    #expect(driver.explorer.isNaming)
    for case .gatherRegions(let request, let gathering) in work {
      _ = driver.explorer.update(.regionsGathered(request: request, gathering.run()))
    }
    #expect(!driver.explorer.isNaming)
  }

  @Test("A symbol is found")
  mutating func symbol() throws {
    try driver.press("o \"clr_of\"")
    #expect(row("symbol  caller_of_areas"))
  }

  @Test("Arrows choose while letters are typed; Tab leaves them for the list, where x and d work")
  mutating func choosing() throws {
    try driver.press("o Down Down Tab")
    #expect(driver.explorer.prompt == nil)
    #expect(driver.explorer.lists[.finder]?.selection == 2)
    try driver.press("o")
    #expect(driver.explorer.prompt?.kind == .find)
  }

  @Test("Esc comes back to where it was opened")
  mutating func leaving() throws {
    try driver.press("s o \"x\" Escape")
    #expect(driver.screenID == .spaces)
    #expect(driver.explorer.prompt == nil)
  }

  @Test("Letters that nothing has say so")
  mutating func nothing() throws {
    try driver.press("o \"qqqq\"")
    #expect(row("nothing has these letters in this order"))
    try driver.press("Enter")
    #expect(driver.screenID == .finder)
  }
}
