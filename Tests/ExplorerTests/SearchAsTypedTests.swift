import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("A search follows what is typed")
struct SearchAsTypedTests {
  private var driver = ExplorerDriver(width: 120, height: 40)

  /// A guest whose processes are called so, their pids from 1 on.
  private static func spaces(_ names: [(String, Int)]) -> ExplorerDriver {
    let spaces = names.enumerated().map { number, process in
      var space = FoundSpace(
        space: AddressSpace(
          name: process.0, root: PhysicalAddress(0x10_0000 + UInt64(number) * 0x1000),
          scheme: SmallGuest.scheme),
        origin: .scan)
      space.pid = process.1
      return space
    }
    return ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
  }

  @Test("Each letter moves the selection to what the letters so far find; fewer letters move it back")
  mutating func letters() throws {
    driver = Self.spaces([("init", 1), ("shell", 2), ("ship", 3)])
    try driver.press("/ \"sh\"")
    #expect(driver.path == "shell 2")
    try driver.press("\"i\"")
    #expect(driver.path == "ship 3")
    try driver.press("Backspace")
    #expect(driver.path == "shell 2")
    try driver.press("Backspace Backspace")
    #expect(driver.path == "init 1")
  }

  @Test("Esc comes back to where it was, and the view with it", arguments: ["Esc", "Ctrl-c"])
  mutating func givenUp(_ key: String) throws {
    try driver.press("size 80x10\ng \"401000\" Enter")
    let (path, top) = (driver.path, driver.explorer.top)
    try driver.press("/ \"shell\"")
    #expect(driver.path == "shell 2")
    try driver.press(key)
    #expect(driver.path == path)
    #expect(driver.explorer.top == top)
    try driver.press("Backspace")
    #expect(driver.path == "init 1", "the jump before is the last one")
  }

  @Test("Enter stays at what was found; Backspace comes back to where the search began")
  mutating func found() throws {
    try driver.press("g \"401000\" Enter / \"shell\" Enter")
    #expect(driver.path == "shell 2")
    #expect(driver.explorer.prompt == nil)
    try driver.press("Backspace")
    #expect(driver.path.hasSuffix("PT[1]"))
  }

  private func missed(_ letters: String) -> String {
    "no open row's name or address contains '\(letters)'; f filters all spaces"
  }

  @Test("What is found by no row is said while it is typed, and nothing moves")
  mutating func nothing() throws {
    try driver.press("j / \"zz\"")
    #expect(driver.explorer.prompt?.problem == missed("zz"))
    #expect(driver.path == "shell 2")
    try driver.press("Backspace")
    #expect(driver.explorer.prompt?.problem == missed("z"))
    try driver.press("Ctrl-u \"i\"")
    #expect(driver.explorer.prompt?.problem == "")
    #expect(driver.path == "init 1")
  }

  @Test("A line that goes on and on is told as not found; with fewer letters it is looked for again")
  mutating func long() throws {
    let letters = String(repeating: "z", count: 60)
    try driver.press("/ \"\(letters)\"")
    #expect(driver.explorer.prompt?.problem == missed(letters))
    try driver.press("Ctrl-w \"sh\"")
    #expect(driver.explorer.prompt?.problem == "")
    #expect(driver.path == "shell 2")
  }

  // 12 is a part of 112 and of the name; the pid itself comes first, wherever it stands.
  @Test(
    "A whole pid or name comes before parts of others",
    arguments: [("12", "late 12"), ("112", "first 112"), ("sh", "sh 7"), ("sh 9", "sh 9"), ("la", "late 12")])
  func exactFirst(_ text: String, _ label: String) throws {
    var driver = Self.spaces([("init", 1), ("first", 112), ("a12sh", 3), ("sh", 7), ("sh", 9), ("late", 12)])
    try driver.press("/ \"\(text)\"")
    #expect(driver.path == label)
    try driver.press("Enter")
    #expect(driver.path == label)
    driver = Self.spaces([("init", 1), ("first", 112), ("a12sh", 3), ("sh", 7), ("sh", 9), ("late", 12)])
    try driver.press("s / \"\(text)\"")
    #expect(driver.explorer.list?.selectedRow.map { driver.explorer.tree.spaces[$0].label } == label)
  }

  @Test("n goes on from a whole name to what has it as a part")
  func next() throws {
    var driver = Self.spaces([("init", 1), ("a12sh", 3), ("sh", 7)])
    try driver.press("/ \"sh\" Enter")
    #expect(driver.path == "sh 7")
    try driver.press("n")
    #expect(driver.path == "a12sh 3")
  }

  @Test("Lists follow, too, and come back")
  mutating func lists() throws {
    try driver.press("s / \"shell\"")
    #expect(driver.explorer.list?.selection == 1)
    try driver.press("Esc")
    #expect(driver.explorer.list?.selection == 0)
    #expect(driver.screenID == .spaces)
  }

  @Test("Pages of text follow, too, and come back")
  mutating func pages() throws {
    try driver.press("size 80x10\n? / \"screenshot\"")
    #expect(driver.explorer.page?.top != 0)
    try driver.press("Esc")
    #expect(driver.explorer.page?.top == 0)
    #expect(driver.screenID == .help)
  }

  @Test("A picture is left only with Enter")
  mutating func picture() throws {
    driver = SharingGuest.driver()
    try driver.press("C / \"shell\"")
    #expect(driver.screenID == .matrix)
    try driver.press("Enter")
    #expect(driver.screenID == .tree)
  }

  @Test("Spaces that are found meanwhile do not lose the place that Esc comes back to")
  mutating func newSpaces() throws {
    try driver.press("g \"401000\" Enter / \"shell\"")
    driver.find(SmallGuest.spaces.reversed())
    try driver.press("Esc")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[1]")
  }
}

@Suite("The prompt of a filter")
struct FilterPromptTests {
  private var driver = ExplorerDriver()

  @Test(
    "It opens with the filter that is on, selected: typing replaces it, moving the cursor goes on with it",
    arguments: [
      ("\"huge\"", "huge"), ("Right \"x\"", "wx"), ("End \" x\"", "w x"), ("Backspace", ""), ("Del", ""),
      ("Left \"!\"", "!w"), ("Ctrl-u", ""), ("", "w"),
    ])
  mutating func replaced(_ keys: String, _ text: String) throws {
    try driver.press("f \"w\" Enter f")
    #expect(driver.explorer.prompt?.field.text == "w")
    try driver.press("\(keys) Enter")
    #expect(driver.explorer.tree.filter.text == text)
  }

  @Test("Pasted text replaces it, too, and Up brings back an older one")
  mutating func others() throws {
    try driver.press("f \"w\" Enter f \"huge\" Enter f")
    driver.send(.input(.paste("marked")))
    #expect(driver.explorer.prompt?.field.text == "marked")
    try driver.press("Esc f Up Up")
    #expect(driver.explorer.prompt?.field.text == "w")
  }

  @Test("It says so, and shows it")
  mutating func shown() throws {
    try driver.press("f \"w\" Enter")
    let plain = driver.canvas(theme: .monochrome).attributes()
    try driver.press("f")
    #expect(driver.lines.last?.contains("typing replaces it") == true)
    #expect(driver.canvas(theme: .monochrome).attributes() != plain)
  }

  @Test("In a list, too; Esc brings back what was shown")
  mutating func inList() throws {
    try driver.press("s f \"shell\" Enter f \"init\"")
    #expect(driver.explorer.list?.filter.text == "init")
    try driver.press("Esc")
    #expect(driver.explorer.list?.filter.text == "shell")
  }
}
