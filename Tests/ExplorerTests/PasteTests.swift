import Canvas
import Testing

@testable import Explorer

@Suite("Pasted text")
struct PasteTests {
  private var driver = ExplorerDriver()

  private mutating func paste(_ text: String) { driver.send(.input(.paste(text))) }
  private var typed: String? { driver.explorer.prompt?.field.text }

  @Test("What is pasted outside a prompt is no key and no command: it is left out, and the person is told")
  mutating func outsideAPrompt() throws {
    try driver.press("Enter")
    let rows = driver.rows
    paste(":screenshot evil.txt\rq\rQ\r\u{3}")
    #expect(driver.work == [.bell])
    #expect(driver.rows == rows)
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.prompt == nil)
    #expect(driver.status.contains("pasted"))
  }

  @Test("A sequence of keys that has begun does not go on in what is pasted")
  mutating func amidAKeySequence() throws {
    try driver.press("y")
    paste("v")
    #expect(driver.work == [.bell])
    try driver.press("v")
    #expect(!driver.work.contains { if case .copy = $0 { true } else { false } })
  }

  @Test(
    "In a prompt lines become one, and nothing is submitted",
    arguments: [
      ("409000\r", "409000"), ("a\r\nb\n\nc\r", "a b c"), ("\r\rq", "q"), ("a\tb", "a b"),
      ("a\u{3}b\u{1B}[Ac\u{7F}\u{9B}", "ab[Ac"), ("g", "g"), ("\u{FFFD}\u{E4}", "\u{FFFD}\u{E4}"), ("", ""),
    ])
  mutating func oneLine(_ pasted: String, _ text: String) throws {
    try driver.press("g")
    paste(pasted)
    #expect(typed == text)
    #expect(driver.work == [])
  }

  @Test("Pasted text goes to the cursor, and Enter takes the whole line")
  mutating func atTheCursor() throws {
    try driver.press("g \"40\" Left")
    paste("4\r")
    #expect(typed == "440")
    try driver.press("\"9\" Right \"00\" Enter")
    #expect(driver.explorer.history.lines(of: .goto) == ["449000"])
  }

  @Test("A search and a list's filter follow what is pasted as they follow keys")
  mutating func followed() throws {
    try driver.press("/")
    paste("init\r")
    #expect(driver.explorer.query == "init")
    try driver.press("Esc s f")
    let all = driver.explorer.list?.shown.count ?? 0
    paste("init\r")
    #expect(driver.explorer.list?.shown.count ?? 0 < all)
  }

  @Test("A line takes 1000 characters; that the rest is cut is said, beside the end of the text")
  mutating func cut() throws {
    try driver.press(":")
    paste(String(repeating: "x", count: 999) + "yz")
    #expect(typed == String(repeating: "x", count: 999) + "y")
    let footer = try #require(driver.lines.last)
    #expect(footer.contains("xy   cut: "))
    #expect(driver.explorer.cursor.map { $0.x < 80 } == true)
  }

  @Test("While a tour waits, what is pasted does nothing")
  mutating func inATour() {
    driver.run("caption Welcome")
    driver.run("pause")
    paste("\r\rq")
    #expect(driver.explorer.isPaused)
    #expect(driver.work == [.bell])
  }
}
