import Canvas
import Testing

@Suite("Key names")
struct KeyNameTests {
  static let named: [(name: String, key: Key)] = [
    ("j", .character("j")), ("G", .character("G")), ("<", .character("<")), ("ä", .character("ä")),
    ("\"", .character("\"")), ("-", .character("-")), ("^", .character("^")), ("Space", .character(" ")),
    ("Ctrl-d", .control("d")), ("Ctrl-]", .control("]")), ("Alt-x", .alt("x")), ("Alt-X", .alt("X")),
    ("Alt-Space", .alt(" ")), ("Enter", .enter), ("Tab", .tab), ("Shift-Tab", .backTab),
    ("Backspace", .backspace), ("Esc", .escape), ("Up", .up), ("Down", .down), ("Left", .left),
    ("Right", .right), ("Home", .home), ("End", .end), ("PgUp", .pageUp), ("PgDn", .pageDown),
    ("Ins", .insert), ("Del", .delete), ("F1", .function(1)), ("F12", .function(12)), ("f", .character("f")),
  ]

  @Test("Every key is printed as it is read", arguments: named)
  func roundTrip(name: String, key: Key) {
    #expect(Key(named: name) == key)
    #expect(key.name == name)
  }

  @Test(
    "Other spellings are read too",
    arguments: [
      ("enter", .enter), ("RETURN", .enter), ("PageDown", .pageDown), ("escape", .escape),
      ("ctrl-D", .control("d")), ("C-d", .control("d")), ("^d", .control("d")), ("space", .character(" ")),
      ("f5", .function(5)), ("M-x", .alt("x")),
    ] as [(String, Key)])
  func spellings(name: String, key: Key) {
    #expect(Key(named: name) == key)
  }

  // ASCII: Tab is Ctrl-I, CR Ctrl-M, LF Ctrl-J, BS Ctrl-H, ESC Ctrl-[.
  @Test(
    "Keys that send the same byte are one key",
    arguments: [
      ("Ctrl-i", .tab), ("Ctrl-m", .enter), ("Ctrl-j", .enter), ("Ctrl-h", .backspace), ("Ctrl-[", .escape),
    ] as [(String, Key)])
  func sameByte(name: String, key: Key) {
    #expect(Key(named: name) == key)
  }

  @Test(
    "What names no key is refused",
    arguments: ["", "jj", "Ctrl-", "Ctrl-ä", "Ctrl-1", "F0", "F64", "F01", "\u{1}"])
  func refused(name: String) {
    #expect(Key(named: name) == nil)
  }

  @Test("A script's keys are words and quoted text")
  func sequence() throws {
    let keys = try Key.sequence(" j Ctrl-d\n: \"g 0\" Enter \" ")
    let expected: [Key] = [
      .character("j"), .control("d"), .character(":"), .character("g"), .character(" "), .character("0"),
      .enter, .character("\""),
    ]
    #expect(keys == expected)
  }

  @Test("A word that is no key is named in the error, with nothing that harms a terminal")
  func sequenceError() {
    let error = #expect(throws: KeyNameError.self) { try Key.sequence("j \u{1B}[2J k") }
    #expect(error?.word == "\u{1B}[2J")
    #expect(error?.description.contains("'?[2J'") == true)
  }
}
