import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What screens say of themselves")
struct ScreenValueTests {
  @Test("Screens and commands have names of their own")
  func names() {
    #expect(Set(Screen.all.map(\.id)).count == Screen.all.count)
    #expect(Set(Screen.all.map(\.title)).count == Screen.all.count)
    #expect(Set(Command.all.map(\.name)).count == Command.all.count)
  }

  /// Ways to the screens that are lists.
  private static let lists = [
    "s", "S", "M", "F", "H", "x", "g \"400000\" Enter x", "g \"ffffc00000000000\" Enter u x",
    "g \"400000\" Enter\n:mirror\n:go 400000\n:mirror\n:unmirror",
  ]

  @Test("Every column of a list is a word that its screen gives to sort", arguments: lists)
  func sortWords(_ keys: String) throws {
    var driver = SharingGuest.driver()
    try driver.press(keys)
    try expectSortWords(driver)
  }

  @Test("So is every column that only a guest fills", arguments: ["s", "/ \"shell\" Enter R"])
  func sortWordsOfGuest(_ keys: String) throws {
    var driver = NamedGuest.driver()
    try driver.press(keys)
    try expectSortWords(driver)
  }

  private func expectSortWords(_ driver: ExplorerDriver) throws {
    let list = try #require(driver.explorer.list)
    #expect(!list.content.columns.isEmpty)
    let words = Screen[driver.screenID].sortWords
    for column in list.content.columns {
      #expect(words.contains(column.name), "\(column.name) on \(driver.screenID.name)")
    }
  }

  @Test("A screen's command opens it where it can, and again closes it", arguments: Screen.all)
  func opening(_ screen: Screen) throws {
    guard let opener = screen.opener else { return }
    // Nothing changes in a dump.
    var driver = screen.id == .changes ? LiveGuest.changed() : NamedGuest.driver()
    driver.send(.warning("cut short"))
    try driver.press("/ \"shell\" Enter g \"400000\" Enter")
    driver.run(opener.name)
    #expect(driver.screenID == screen.id, "\(driver.status)")
    if driver.explorer.list != nil { try expectSortWords(driver) }
    if screen.has(opener) { driver.run(opener.name) } else { try driver.press("Esc") }
    #expect(driver.screenID == .tree, "\(driver.status)")
  }

  @Test("A screen that a command opens has a key for it", arguments: Screen.all)
  func keys(_ screen: Screen) {
    // The status line names `:warnings` whenever there are any.
    guard let opener = screen.opener, screen.id != .warnings else { return }
    #expect(
      Keymap.standard.bindings.contains { $0.command == opener }, "\(opener.name) has no key in Keymap.swift")
  }

  @Test("A screen has every command that its footer names", arguments: Screen.all)
  func footer(_ screen: Screen) {
    for command in screen.footer(NamedGuest.driver().explorer) {
      #expect(screen.has(command), "\(command.name)")
    }
  }
}
