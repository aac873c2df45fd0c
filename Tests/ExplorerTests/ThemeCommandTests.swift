import Canvas
import Testing

@testable import Explorer

@Suite("What the screen looks like, by commands")
struct ThemeCommandTests {
  private var driver = ExplorerDriver()

  @Test(
    "theme takes a background, a number of colors, or what the terminal tells, which is also what it means alone",
    arguments: [
      ("theme", .auto), ("theme auto", .auto), ("theme light", .light), ("theme dark", .dark),
      ("theme 256", .color256), ("theme 8", .color8), ("theme mono", .monochrome),
    ] as [(String, ThemeChoice)])
  mutating func theme(line: String, choice: ThemeChoice) {
    driver.run(line)
    #expect(driver.work == [.useTheme(choice)])
  }

  @Test(
    "A line says how a part of the screen looks",
    arguments: [
      ("theme.table = 33", .table, Style(foreground: .palette(33))),
      ("theme.table=33 bold", .table, Style(foreground: .palette(33), bold: true)),
      (
        "  theme.permissionWrite = bright-red reverse", .permissionWrite,
        Style(foreground: .palette(9), reverse: true)
      ),
      (
        "theme.space = underline dim cyan", .space, Style(foreground: .palette(6), dim: true, underline: true)
      ),
      ("theme.leaf = default bold", .leaf, Style(bold: true)),
      ("theme.leaf = 0", .leaf, Style(foreground: .palette(0))),
      ("theme.leaf = 255", .leaf, Style(foreground: .palette(255))),
      ("style leaf green", .leaf, Style(foreground: .palette(2))),
      ("theme.leaf =", .leaf, nil), ("style leaf", .leaf, nil),
    ] as [(String, Role, Style?)])
  mutating func style(line: String, role: Role, style: Style?) {
    driver.run(line)
    #expect(driver.work == [.useStyle(role, style)])
    #expect(driver.explorer.problem == nil)
  }

  @Test(
    "A wrong one says what is wrong, and what comes near",
    arguments: [
      ("theme.tabel = 33", "no role 'tabel'; did you mean table?"),
      ("theme.permissionwrit = red", "did you mean permissionWrite?"),
      ("theme.xyzzy = red", "known: text dim title"), ("theme. = red", "known: text dim title"),
      ("theme.table = gren", "no color 'gren'; did you mean green?"),
      ("theme.table = blod", "did you mean bold?"), ("theme.table = 256", "0 to 255"),
      ("theme.table = -1", "0 to 255"), ("theme.table = red blue", "takes one color"),
      ("style", "needs ROLE"),
    ])
  mutating func wrong(line: String, text: String) {
    driver.run(line)
    #expect(!driver.work.contains { if case .useStyle = $0 { true } else { false } })
    #expect(driver.explorer.problem?.contains(text) == true, "\(driver.explorer.problem ?? "")")
  }

  @Test("Every role has a name of its own, and Tab completes it", arguments: Role.names)
  mutating func names(name: String) throws {
    driver.run("theme.\(name) = red")
    #expect(driver.explorer.problem == nil)
    #expect(CommandLine.completions(of: "theme.\(name)").contains("theme.\(name) = "))
  }
}
