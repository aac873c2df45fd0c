import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Any size, any name")
struct SizeTests {
  private static let sizes = [
    (1, 1), (2, 2), (5, 3), (20, 6), (40, 10), (46, 13), (74, 14), (75, 24), (300, 100), (80, 1),
  ]
  private static let states = [
    "", "g \"409000\" Enter", "s", "?", "g \"800000000000\" Enter", "Enter a", "y", "f \"zzz\" Enter", "Tab",
  ]

  @Test("Every state can be drawn at every size", arguments: SizeTests.states)
  func drawing(_ state: String) throws {
    var driver = ExplorerDriver()
    try driver.press(state)
    for (width, height) in Self.sizes {
      driver.send(.input(.resize(width: width, height: height)))
      for glyphs in [Glyphs.ascii, .unicode] {
        let canvas = driver.canvas(glyphs: glyphs)
        #expect(canvas.width == width && canvas.height == height)
      }
      if let cursor = driver.explorer.cursor {
        #expect((0..<width).contains(cursor.x) && (0..<height).contains(cursor.y))
      }
    }
  }

  @Test("From 80x24 to 1x1 and back, the selection stays and is on the screen")
  func backAndForth() throws {
    var driver = ExplorerDriver()
    try driver.press("g \"409000\" Enter")
    driver.send(.notice(""))
    let (path, before) = (driver.path, driver.screen)
    for (width, height) in [(40, 10), (1, 1), (40, 10), (80, 24)] {
      driver.send(.input(.resize(width: width, height: height)))
      #expect(driver.path == path)
      let visible = driver.explorer.top..<driver.explorer.top + max(1, driver.explorer.layout.tree.height)
      #expect(visible.contains(driver.explorer.selection))
    }
    #expect(driver.lines.contains { $0.contains("409000") })
    #expect(driver.screen.split(separator: "\n").count == before.split(separator: "\n").count)
  }

  @Test("At 40x10 the tree, the title and the keys are there")
  func small() throws {
    var driver = ExplorerDriver(width: 40, height: 10)
    try driver.press("Enter")
    let screen = driver.screen
    #expect(screen.contains("init 1"))
    #expect(screen.contains("PDPT 0x"))
    #expect(screen.contains("pagewalk"))
    #expect(screen.contains("? help"))
    #expect(!driver.explorer.layout.hasDetail)
  }

  @Test(
    "The parts of the screen lie inside it and do not overlap", arguments: SizeTests.sizes, [true, false])
  func layout(_ size: (Int, Int), showsDetail: Bool) {
    let layout = ScreenLayout(width: size.0, height: size.1, showsDetail: showsDetail)
    var owners = [Int](repeating: 0, count: size.0 * size.1)
    for part in [
      layout.title, layout.breadcrumb, layout.upperRule, layout.header, layout.tree, layout.detail,
      layout.lowerRule,
      layout.footer,
    ] where !part.isEmpty {
      #expect(part.x >= 0 && part.y >= 0 && part.right <= size.0 && part.bottom <= size.1)
      for y in part.y..<part.bottom { for x in part.x..<part.right { owners[y * size.0 + x] += 1 } }
    }
    #expect(owners.allSatisfy { $0 == 1 }, "every cell belongs to one part")
    #expect(layout.tree.height >= 1)
  }

  // MARK: Untrusted names

  private static let oddNames = [
    "\u{1B}[2J\u{1B}]0;owned\u{7}", "a\nb\rc\td", "\u{202E}gnp.exe", "\u{9B}31m", "",
    String(repeating: "x", count: 10_000),
    "\u{0301}\u{0301}\u{0301}", "日本語のプロセス", "👩‍👩‍👧",
  ]

  @Test(
    "A name from a dump moves no cursor and leaves its column, wherever it is shown",
    arguments: SizeTests.oddNames)
  func shown(_ name: String) throws {
    let scheme = SmallGuest.scheme
    let root = SmallGuest.spaces[0].space.root
    let spaces = [
      FoundSpace(
        space: AddressSpace(name: name, root: root, scheme: scheme), pid: 7,
        origin: .capture("by " + name, isOnCPU: false)),
      SmallGuest.spaces[1],
    ]
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
    driver.explorer = Explorer(
      memory: SmallGuest.memory, sourceName: name, formatName: "ELF core", warnings: [name])
    driver.find(spaces)
    for keys in [
      "", "Enter", "y w", "s", "1", "Esc g \"p:123\" Enter",
      "Esc :\n\"filter \(name.isEmpty ? "q" : "x")\" Enter",
    ] {
      try driver.press(keys)
      for case .copy(let text) in driver.work { #expect(isHarmless(text.filter { $0 != "\n" })) }
      #expect(isHarmless(driver.status))
      for line in driver.lines { #expect(isHarmless(String(line))) }
      #expect(driver.lines.count == 24)
    }
  }

  /// No control character and nothing that reorders the line.
  private func isHarmless(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: false
      default: true
      }
    }
  }

  @Test("Text that is typed or pasted is kept within bounds")
  func pasted() throws {
    var driver = ExplorerDriver()
    try driver.press("/")
    for _ in 0..<5000 { driver.press(.character("x")) }
    #expect((driver.explorer.prompt?.field.text.count ?? 0) <= 1000)
    _ = driver.screen
    try driver.press("Enter")
    #expect(driver.explorer.status.role == .warning)
  }
}
