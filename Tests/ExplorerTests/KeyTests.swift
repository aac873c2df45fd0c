import Canvas
import Glibc
import Guests
import PageTables
import Testing

@testable import Explorer

@Suite("Keys")
struct KeyTests {
  private var driver = ExplorerDriver()

  @Test(
    "Arrows and letters move and open alike",
    arguments: [
      ("Enter Down Down", "Enter j j"), ("Right", "l"), ("Right Left", "l h"), ("Enter Enter Up", "l l k"),
      ("Enter End", "Enter G"), ("PgDn", "Ctrl-f"), ("Enter G PgUp", "Enter G Ctrl-b"), ("Down", "Ctrl-n"),
      ("Enter Space", "Enter Left"), ("z o", "Enter"), ("Enter z c", ""), ("z a", "Space"),
    ])
  func alike(_ left: String, _ right: String) throws {
    var (first, second) = (ExplorerDriver(), ExplorerDriver())
    try first.press(left)
    try second.press(right)
    #expect(first.rows == second.rows)
    #expect(first.path == second.path)
  }

  @Test("Enter opens, and on an open row goes on downwards: from the space to the page with one key")
  mutating func enterDownTheTree() throws {
    try driver.press("Enter Enter Enter Enter Enter Enter Enter Enter")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[0]")
    #expect(driver.work == [])
    try driver.press("Enter")
    #expect(driver.work == [.bell], "nothing lies below a page")
    #expect(driver.explorer.status.role == .warning)
  }

  @Test("Left closes an open row, and from a closed one goes up to its table")
  mutating func left() throws {
    try driver.press("g \"409000\" Enter Left")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[2]")
    #expect(driver.row?.isOpen == true)
    try driver.press("Left")
    #expect(driver.row?.isOpen == false)
    try driver.press("Left")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0]")
  }

  @Test("u goes up and leaves the table open")
  mutating func parent() throws {
    try driver.press("g \"409000\" Enter u u")
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0]")
    #expect(driver.rows.contains("PT[9]"))
    try driver.press("u u u")
    #expect(driver.path == "init 1")
    #expect(driver.work.contains(.bell))
  }

  @Test("zM closes a row and what is below, zX everything")
  mutating func closing() throws {
    try driver.press("g \"409000\" Enter u u z M")
    #expect(driver.row?.isOpen == false)
    try driver.press("Enter")
    #expect(!driver.rows.contains("PT[0]"))
    try driver.press("z X")
    #expect(driver.rows == ["space init 1", "space shell 2"])
    #expect(driver.path == "init 1")
  }

  @Test("a shows absent entries and hides them again, on the same row")
  mutating func absent() throws {
    try driver.press("G Enter j j a")
    #expect(driver.path == "shell 2 > PML4[256]")
    #expect(driver.rows.contains("absent PML4[1] x255"))
    try driver.press("a")
    #expect(!driver.rows.contains("absent PML4[1] x255"))
    #expect(driver.path == "shell 2 > PML4[256]")
  }

  // MARK: Sequences

  @Test(
    "The keys after a prefix are offered in the footer; Esc and unknown ones leave it",
    arguments: ["y", "z", "m"])
  mutating func prefixes(_ key: String) throws {
    try driver.press(key)
    #expect(driver.work == [])
    let footer = try #require(driver.lines.last)
    #expect(footer.contains(key == "y" ? "va" : key == "z" ? "close-all" : "mark"))
    try driver.press("Esc")
    #expect(driver.work == [])
    #expect(driver.explorer.pendingKeys.isEmpty)
    #expect(driver.lines.last != footer)
    try driver.press("\(key) !")
    #expect(driver.work == [.bell])
    #expect(driver.status.contains("\(key) !"))
    #expect(driver.explorer.pendingKeys.isEmpty)
  }

  @Test(
    "A key that means nothing says so, and where the ones that do are listed",
    arguments: ["w", "F12", "Ctrl-x"])
  mutating func unknown(_ key: String) throws {
    try driver.press(key)
    #expect(driver.work == [.bell])
    #expect(driver.status.contains(key))
    #expect(driver.status.contains("?"))
  }

  @Test("Escape and a key that come as one are two keys: in the tree, after a prefix, in a prompt")
  mutating func alt() throws {
    try driver.press("Alt-j")
    #expect(driver.path == "shell 2")
    try driver.press("z Alt-k")
    #expect(driver.path == "init 1")
    try driver.press("/ \"x\" Alt-j")
    #expect(driver.explorer.prompt == nil)
    #expect(driver.path == "shell 2")
  }

  @Test("A status message goes with the next key")
  mutating func statusGoes() throws {
    try driver.press("w")
    #expect(driver.explorer.status != .empty)
    try driver.press("j")
    #expect(driver.explorer.status == .empty)
  }

  // MARK: Leaving

  @Test("q leaves from the tree; elsewhere it goes back to it", arguments: ["s", "?", "size 40x10\nTab"])
  mutating func leaving(_ keys: String) throws {
    try driver.press("\(keys)\nq")
    #expect(driver.work == [])
    #expect(driver.screenID == .tree)
    try driver.press("q")
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test("Q leaves from anywhere", arguments: ["", "s", "?", "Tab"])
  mutating func leavingAtOnce(_ keys: String) throws {
    try driver.press("\(keys)\nQ")
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test(
    "Ctrl-C gives up what is open, and leaves when nothing is",
    arguments: ["s", "?", "Tab", "/ \"x\"", ":", "y", "g"])
  mutating func interrupt(_ keys: String) throws {
    try driver.press(keys)
    let isPrefix = keys == "y"
    if !isPrefix {
      driver.send(.input(.interrupt))
      #expect(driver.work == [])
      #expect(driver.screenID == .tree)
      #expect(driver.explorer.prompt == nil)
    }
    driver.send(.input(.interrupt))
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test(
    "A signal to leave is obeyed at once",
    arguments: [(SIGHUP, 129), (SIGQUIT, 131), (SIGTERM, 143)] as [(Int32, Int32)])
  mutating func end(_ signal: Int32, status: Int32) throws {
    try driver.press(":\n\"abc\"")
    driver.send(.input(.end(signal: signal)))
    // The status that shells give to a program that a signal ended: 128 and the signal's number.
    #expect(driver.work == [.quit(status: status)])
  }

  @Test("After a stop the screen is drawn anew")
  mutating func resumed() throws {
    try driver.press("Ctrl-z")
    #expect(driver.work == [.suspend])
    driver.send(.input(.suspendResumed))
    #expect(driver.work == [.redraw])
  }
}

@Suite("The keymap, the help and the footer made from it")
struct KeymapTests {
  private static let keymap = Keymap.standard

  @Test(
    "No two bindings of a screen have the same keys, and none hides a longer one", arguments: Screen.all)
  func unambiguous(_ screen: Screen) {
    let bindings = Self.keymap.bindings.filter { $0.applies(to: screen) }
    for (index, binding) in bindings.enumerated() {
      for other in bindings[(index + 1)...] {
        #expect(binding.keys != other.keys, "\(binding.name): \(binding.command.name), \(other.command.name)")
      }
      if case .only(let screens) = binding.scope {
        #expect(screens.allSatisfy { Screen[$0].has(binding.command) })
      }
    }
  }

  @Test("Every argument that a key stands for is one that the command takes", arguments: keymap.bindings)
  func arguments(_ binding: Binding) throws {
    guard !binding.argument.isEmpty else { return }
    #expect(throws: Never.self) { try CommandLine("\(binding.command.name) \(binding.argument)") }
  }

  @Test("Help names every key and every command, wherever it is opened", arguments: Screen.all)
  func help(_ screen: Screen) {
    let page = HelpPage.make(keymap: Self.keymap, screen: screen, rootName: "PML4", width: 100)
    for command in Command.all {
      let line = page.lines.first { $0.text.contains(command.title) }
      #expect(line?.text.contains(command.name) == true, "\(command.name)")
      for binding in Self.keymap.bindings where binding.command == command {
        let isHere = binding.applies(to: screen) || !screen.has(command)
        if isHere {
          #expect(line?.text.contains(binding.name) == true, "\(binding.name) for \(command.name)")
        }
      }
    }
  }

  @Test(
    "Each command of the help stands under its task, those of the screen before all others",
    arguments: Screen.all)
  func helpGroups(_ screen: Screen) throws {
    let page = HelpPage.make(keymap: Self.keymap, screen: screen, rootName: "PML4", width: 200)
    let lines = page.lines.map(\.text)
    let elsewhere = lines.firstIndex(of: "Elsewhere") ?? lines.count
    let tasks = Set(CommandGroup.allCases.map(\.rawValue))
    for command in Command.all {
      let line = try #require(lines.firstIndex { $0.hasSuffix(" " + command.title) }, "\(command.name)")
      #expect(lines[..<line].last { tasks.contains($0) } == command.group.rawValue, "\(command.name)")
      #expect((line < elsewhere) == screen.has(command), "\(command.name)")
    }
  }

  @Test("A search in the help finds a command by its name, n the next place, N the one before")
  func searchInHelp() throws {
    var driver = ExplorerDriver()
    try driver.press("? / \"mirror\" Enter")
    let first = try #require(driver.explorer.page?.top)
    #expect(first > 0 && driver.screen.contains("mirror"))
    try driver.press("n n n n n n")
    #expect(try #require(driver.explorer.page?.top) > first)
    try driver.press("N N N N N N")
    #expect(driver.explorer.page?.top == first)
  }

  @Test(
    "Help is for the screen that it is opened from, and Esc goes back there", arguments: ["", "Tab", "s"])
  func helpOfScreen(_ keys: String) throws {
    var driver = ExplorerDriver()
    try driver.press(keys)
    let screen = driver.screenID
    try driver.press("?")
    #expect(driver.screenID == .help)
    #expect(
      driver.explorer.page?.title
        == HelpPage.make(keymap: Self.keymap, screen: Screen[screen], rootName: "PML4", width: 80).title)
    try driver.press("Esc")
    #expect(driver.screenID == screen)
    #expect(driver.explorer.page == nil)
  }

  /// States that together give every command something to do.
  private static let states = [
    "", "Enter j", "g \"409000\" Enter g \"401000\" Enter Backspace m a / \"pt[\" Enter G",
    "Enter G k PgUp j j",
    "Tab", "size 80x12\ng \"c00000\" Enter Tab", "size 80x12\ng \"c00000\" Enter Tab j",
    "size 80x12\ng \"c00000\" Enter Tab PgDn", "s", "s j", "?",
    "? PgDn", "size 40x10\nTab j", "f \"w\" Enter", "Enter",
  ]

  /// The same on a guest with mirrors, for the views of all spaces.
  private static let sharingStates = [
    "S", "S G", "S Enter", "S Enter j", "S Enter j j", ":compare shell 2", ":compare shell 2\nj",
    ":compare shell 2\nG",
    "Enter j Enter\n:compare shell 2", "g \"400000\" Enter Tab", "g \"400000\" Enter Tab j", "=", "M", "M G",
    "M G k", "F", "F G", "F PgDn j", "H", "H G", "H G k", "/ \"1\" Enter H",
    "g \"400000\" Enter x", "g \"400000\" Enter x Space G", "g \"400000\" Enter x G",
    "g \"ffffc00000000000\" Enter x Space",
    "C", "C G", "C G l l", "P", "P G", "V", "V G", "g \"400000\" Enter V + + + + +", "Enter j d",
    "Enter j d PgDn",
    "size 200x40\nS",
    "g \"400000\" Enter\n:mirror\n:go 400000\n:mirror\n:unmirror",
    "g \"400000\" Enter\n:mirror\n:go 400000\n:mirror\n:unmirror\nG",
    "g \"400000\" Enter / \"1\" Enter S", "/ \"init\" Enter M", "/ \"init\" Enter F", "/ \"init\" Enter S G",
  ]

  @Test("The footer of the views of all spaces names only keys that work now", arguments: sharingStates)
  func sharingFooter(_ state: String) throws {
    var driver = SharingGuest.driver(width: 200)
    try driver.press(state)
    driver.send(.notice(""))
    let items = driver.explorer.footerItems()
    #expect(!items.isEmpty)
    for item in items {
      var copy = driver
      for key in item.binding.keys { copy.press(key) }
      #expect(!copy.work.contains(.bell), "\(item.label) in \(state)")
    }
  }

  /// The same on a Linux guest that tells its names.
  private static let namedStates = [
    "", "Enter j", "Tab", "s", "V", "/ \"shell\" Enter R", "/ \"shell\" Enter R G",
    "/ \"shell\" Enter R / \"heap\" Enter",
    "/ \"shell\" Enter g \"400000\" Enter S", "/ \"shell\" Enter g \"400000\" Enter x", "M", "F", "C", "P",
    "g \"400000\" Enter d", "o Tab", "o Tab G", "o \"heap\" Tab",
  ]

  @Test("The footer names only keys that work where names are known", arguments: namedStates)
  func namedFooter(_ state: String) throws {
    var driver = NamedGuest.driver(width: 200)
    try driver.press(state)
    driver.send(.notice(""))
    let items = driver.explorer.footerItems()
    #expect(!items.isEmpty)
    for item in items {
      var copy = driver
      for key in item.binding.keys { copy.press(key) }
      #expect(!copy.work.contains(.bell), "\(item.label) in \(state)")
    }
  }

  /// The same for the pages of text that are not help, each longer than the screen.
  private static let pageStates: [(keys: String, driver: ExplorerDriver)] = [
    "", "PgDn", "G", "/ \"e\" Enter", "/ \"e\" Enter PgDn",
  ].flatMap { keys in
    [
      ("size 80x8\ni " + keys, NamedGuest.driver()),
      (
        ":warnings\n" + keys,
        ExplorerDriver(warnings: (0..<80).map { "segment \($0) is cut short" })
      ),
    ]
  }

  @Test("No key is dead: in some state it changes the screen or asks for work", arguments: Screen.all)
  func noDeadKeys(_ screen: Screen) throws {
    var alive: Set<Binding> = []
    let states: [(keys: String, driver: ExplorerDriver)] =
      Self.states.map { ($0, ExplorerDriver(warnings: ["the file is cut short"])) }
      + Self.sharingStates.map { ($0, SharingGuest.driver()) }
      + Self.namedStates.map { ($0, NamedGuest.driver()) } + Self.pageStates
      + ["C j", "C l l"].map { ($0, ParticularGuest.driver()) }
      + ["D", "D j", "D G", "/ \"1\" Enter D", "size 80x8\nD", "size 80x8\nD G"].map {
        ($0, LiveGuest.changed())
      }
    for (state, start) in states {
      var driver = start
      try driver.press(state)
      guard driver.screenID == screen.id else { continue }
      driver.send(.notice(""))
      for binding in Self.keymap.bindings where binding.applies(to: screen) {
        var copy = driver
        let before = copy.appearance
        var work: [ExplorerWork] = []
        for key in binding.keys {
          copy.press(key)
          work += copy.work
        }
        if binding.takesLetter { copy.press(.character("a")) }
        if !work.filter({ $0 != .bell }).isEmpty || copy.appearance != before { alive.insert(binding) }
      }
    }
    for binding in Self.keymap.bindings where binding.applies(to: screen) {
      let isAlive = alive.contains(binding)
      #expect(isAlive, "\(binding.name): \(binding.command.name)")
    }
  }

  @Test("The footer names only keys that work now", arguments: states)
  func footer(_ state: String) throws {
    var driver = ExplorerDriver(width: 200)
    try driver.press(state)
    driver.send(.notice(""))
    let items = driver.explorer.footerItems()
    #expect(!items.isEmpty)
    for item in items {
      var copy = driver
      for key in item.binding.keys { copy.press(key) }
      #expect(!copy.work.contains(.bell), "\(item.label) in \(state)")
    }
  }

  @Test("The footer names what the selection makes possible, and not what it does not")
  func footerOfSelection() throws {
    var driver = ExplorerDriver(width: 200)
    func commands() -> [Command] { driver.explorer.footerItems().map(\.binding.command) }
    #expect(commands().contains(.open))
    #expect(!commands().contains(.close))
    #expect(!commands().contains(.back))
    try driver.press("g \"409000\" Enter")
    #expect(!commands().contains(.open), "nothing lies below a page")
    #expect(commands().contains(.back))
    try driver.press("u")
    #expect(commands().contains(.close))
  }

  @Test(
    "Hints and offers are shown whole or not at all",
    arguments: ["g", "f", "o", ":", ":\n\"s\" Tab", "y", "z", "m", "s f \"x\" Enter f"], [80, 40, 24])
  func wholeHints(_ keys: String, _ width: Int) throws {
    var (narrow, wide) = (ExplorerDriver(width: width), ExplorerDriver(width: 400))
    try narrow.press(keys)
    try wide.press(keys)
    func words(_ driver: ExplorerDriver) throws -> [Substring] {
      try #require(driver.lines.last).split(whereSeparator: { $0 == " " || $0 == "," })
    }
    let all = try Set(words(wide))
    #expect(try words(narrow).allSatisfy(all.contains), "\(narrow.lines.last ?? "")")
  }

  @Test("On narrow screens help and the way out stay in the footer", arguments: [80, 40, 30])
  func narrowFooter(_ width: Int) throws {
    let driver = ExplorerDriver(width: width)
    let footer = try #require(driver.lines.last)
    #expect(footer.contains("? help"))
    #expect(footer.contains("q quit"))
    #expect(footer.count <= width)
  }
}

@Suite("Help is in the words of the selected space")
struct HelpWordsTests {
  @Test("The badge of a recursive slot names the root's level")
  func root() throws {
    var driver = ExplorerDriver()
    try driver.press("?")
    #expect(driver.explorer.page?.lines.contains { $0.text.hasPrefix("@PML4 ") } == true)
    let space = AddressSpace(name: "old", root: PhysicalAddress(0x10_0000), scheme: X86.paging32())
    driver = ExplorerDriver(memory: SmallGuest.memory, spaces: [FoundSpace(space: space, origin: .scan)])
    try driver.press("?")
    #expect(driver.explorer.page?.lines.contains { $0.text.hasPrefix("@PD ") } == true)
    #expect(driver.explorer.page?.lines.contains { $0.text.hasPrefix("@PML4") } == false)
  }
}
