import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Commands by name")
struct CommandLineTests {
  private var driver = ExplorerDriver()

  @Test(
    "A line is a name and what follows it",
    arguments: [
      ("goto 0x1000", Command.goto, "0x1000"), ("  :goto   0x1000  ", .goto, "0x1000"), ("quit", .quit, ""),
      ("sort pid", .sort, "pid"), ("copy", .copy, ""), ("filter w x", .filter, "w x"),
      ("filter", .filter, ""),
      ("q", .quit, ""), ("mark a", .setBookmark, "a"), ("page-d", .pageDown, ""), ("close", .close, ""),
    ])
  func reading(_ line: String, _ command: Command, _ argument: String) throws {
    #expect(try CommandLine(line) == CommandLine(command, argument))
  }

  @Test(
    "A line that is no command says why",
    arguments: [
      ("frobnicate", "no command 'frobnicate'"), ("mirors", "did you mean mirrors?"),
      ("page", "page-down, page-up"),
      ("quit now", "takes no argument"),
      ("goto", "needs ADDRESS"), ("sort nothing", "name, pid, resident, private, proportional"),
      ("mark", "one letter"),
      ("mark ab", "one letter"), ("theme blue", "256, 8, mono"), (":", "no command"),
      ("screenshot", "needs [--force] FILE"),
    ])
  func failures(_ line: String, _ text: String) {
    #expect { try CommandLine(line) } throws: { error in
      (error as? CommandLine.Failure)?.message.contains(text) == true
    }
  }

  @Test("Every command is found by its name, and has a title and a label", arguments: Command.all)
  func everyCommand(_ command: Command) throws {
    #expect(!command.title.isEmpty)
    #expect(!command.label.isEmpty)
    #expect(!command.title.hasSuffix("."))
    #expect(Screen.all.contains { $0.has(command) })
    let argument =
      switch command.argument {
      case .none: ""
      case .text, .optionalText: " x"
      case .choice, .column: " " + (command.argument.choices?.last ?? "")
      case .letter: " a"
      }
    #expect(try CommandLine(command.name + argument).command == command)
  }

  @Test("Tab completes a name, and goes through several")
  mutating func completion() throws {
    try driver.press(":\n\"scr\" Tab")
    #expect(driver.explorer.prompt?.field.text == "screenshot ")
    try driver.press("Esc : \"page\" Tab")
    #expect(driver.explorer.prompt?.field.text == "page-down")
    try driver.press("Tab")
    #expect(driver.explorer.prompt?.field.text == "page-up")
    try driver.press("Tab")
    #expect(driver.explorer.prompt?.field.text == "page-down")
    try driver.press("Shift-Tab")
    #expect(driver.explorer.prompt?.field.text == "page-up")
    #expect(driver.lines.last?.contains("page-down page-up") == true, "the footer offers them")
  }

  @Test("Tab completes what a command takes")
  mutating func completingChoices() throws {
    try driver.press(":\n\"sort p\" Tab")
    #expect(driver.explorer.prompt?.field.text == "sort pid")
    try driver.press("Esc : \"theme \" Shift-Tab")
    #expect(driver.explorer.prompt?.field.text == "theme mono")
    try driver.press("Enter")
    #expect(driver.work == [.useTheme(.monochrome)])
  }

  @Test("Tab with nothing to offer changes nothing")
  mutating func noCompletion() throws {
    try driver.press(":\n\"goto zz\" Tab")
    #expect(driver.explorer.prompt?.field.text == "goto zz")
  }

  @Test("A wrong line leaves its prompt, says why, and comes back with Up")
  mutating func wrongLine() throws {
    try driver.press(":\n\"spaces\" Enter Esc : \"pag\" Enter")
    #expect(driver.explorer.prompt == nil)
    #expect(driver.explorer.problem?.contains("page-down, page-up") == true)
    #expect(driver.lines.last?.contains("page-down, page-up") == true)
    try driver.press("j")
    #expect(driver.path == "shell 2", "the next key is a key again")
    try driver.press(":\nUp")
    #expect(driver.explorer.prompt?.field.text == "pag")
    try driver.press("Up")
    #expect(driver.explorer.prompt?.field.text == "spaces")
  }

  @Test("A problem's suggestion goes with the text that it was for")
  mutating func suggestionGoes() throws {
    try driver.press("g \"401000\" Enter g \"800000000000\" Enter Up Up Tab")
    #expect(driver.explorer.prompt?.field.text == "401000")
  }

  @Test("History goes back and forth, per prompt, and returns to what was being typed")
  mutating func history() throws {
    try driver.press(":\n\"absent\" Enter : \"detail\" Enter / \"init\" Enter : \"sp\" Up")
    #expect(driver.explorer.prompt?.field.text == "detail")
    try driver.press("Up Up Up")
    #expect(driver.explorer.prompt?.field.text == "absent")
    try driver.press("Down Down")
    #expect(driver.explorer.prompt?.field.text == "sp")
    try driver.press("Down Esc / Up")
    #expect(driver.explorer.prompt?.field.text == "init")
  }

  @Test("History keeps a line once, the newest last, and not without end")
  func historyLimits() {
    var history = PromptHistory()
    for line in ["a", "b", "a", ""] { history.add(line, to: .search) }
    #expect(history.lines(of: .search) == ["b", "a"])
    #expect(history.lines(of: .goto) == [])
    for number in 0..<10_000 { history.add("\(number)", to: .command) }
    #expect(history.lines(of: .command).count < 1000)
    #expect(history.lines(of: .command).last == "9999")
  }

  @Test("An empty line closes the prompt and does nothing", arguments: [":", "/", "g"])
  mutating func emptyLine(_ key: String) throws {
    try driver.press("\(key)\nEnter")
    #expect(driver.explorer.prompt == nil)
    #expect(driver.work == [])
    #expect(driver.path == "init 1")
  }

  @Test("Commands do what they say")
  mutating func commands() {
    driver.run("goto 409000")
    #expect(driver.path.hasSuffix("PT[9]"))
    driver.run("screenshot out.svg")
    #expect(driver.work == [.exportScreen("out.svg", force: false)])
    driver.run("screenshot --force my out.svg")
    #expect(driver.work == [.exportScreen("my out.svg", force: true)])
    driver.run("screenshot --force")
    #expect(driver.work == [] && driver.explorer.problem == "screenshot needs a FILE")
    driver.run("redraw")
    #expect(driver.work == [.redraw])
    driver.run("suspend")
    #expect(driver.work == [.suspend])
    driver.run("quit")
    #expect(driver.work == [.quit(status: 0)])
    driver.run("detail")
    #expect(!driver.explorer.layout.hasDetail)
    driver.run("nonsense")
    #expect(driver.explorer.status.role == .error)
  }

  @Test("What a screen has no use for says so")
  mutating func wrongPlace() {
    driver.run("sort name")
    #expect(driver.explorer.status.role == .warning)
    #expect(driver.work == [.bell])
    driver.run("warnings")
    #expect(driver.status == "there are no warnings")
  }

  // MARK: Copying

  @Test(
    "Copying takes the address, the frame, the entry",
    arguments: [("y v", "0x409000"), ("y p", "0x300000"), ("y e", "0x8000000000300025")])
  mutating func copying(_ keys: String, _ text: String) throws {
    try driver.press("g \"409000\" Enter \(keys)")
    #expect(driver.work.last == .copy(text))
    #expect(driver.status.contains(text))
  }

  @Test(
    "The walk is copied as text, as JSON or as a command, of the selected address",
    arguments: [("y w", WalkCopy.Form.text), ("y j", .json), ("y c", .command)])
  mutating func copyingWalk(_ keys: String, _ form: WalkCopy.Form) throws {
    try driver.press("g \"c00000\" Enter \(keys)")
    guard case .copyWalk(let walk)? = driver.work.last else {
      Issue.record("nothing was copied")
      return
    }
    #expect(walk.address == VirtualAddress(0xc0_0000))
    #expect(walk.found.space.name == "init")
    #expect(walk.form == form)
  }

  @Test("On 32 bits an entry has 8 digits")
  func copyingNarrow() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("small", scheme: X86.paging32())
    memory.map(0x1000, to: 0x5000, in: space)
    var driver = ExplorerDriver(memory: memory, spaces: [.init(space: space, origin: .given)])
    try driver.press("g \"1000\" Enter y e")
    #expect(driver.work.last == .copy("0x00005007"))
  }

  @Test("What is not there is not copied", arguments: ["y e", "g \"800000\" Enter y p"])
  mutating func copyingNothing(_ keys: String) throws {
    try driver.press(keys)
    #expect(driver.work == [.bell])
    #expect(driver.explorer.status.role == .warning)
  }
}
