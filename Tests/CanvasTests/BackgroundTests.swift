import CTerminal
import Canvas
import Testing

@Suite("The background that a terminal tells", .serialized)
struct BackgroundTests {
  // rxvt's manual: COLORFGBG is "foreground;background", or with the pixmap's color between them; "default" is possible.
  @Test(
    "COLORFGBG tells it by the last number",
    arguments: [
      ("15;0", .dark), ("0;15", .light), ("0;default;15", .light), ("15;default;0", .dark), ("7;8", .dark),
      ("0;7", .light), ("default;default", nil), ("15;default", nil), ("", nil), ("15", nil), ("0;", nil),
      ("0;16", nil), ("0;-1", nil), ("0;999", nil), ("a;b", nil),
    ] as [(String, Background?)])
  func environment(text: String, background: Background?) {
    #expect(Background(colorFgBg: text) == background)
  }

  @Test(
    "A color is light or dark as the eye takes it",
    arguments: [
      (0x000000, .dark), (0xFFFFFF, .light), (0x002B36, .dark), (0xFDF6E3, .light), (0x0000FF, .dark),
      (0x00FF00, .light), (0x282C34, .dark), (0xEEEEEE, .light),
    ] as [(UInt32, Background)])
  func brightness(color: UInt32, background: Background) {
    #expect(Background(rgb: color) == background)
  }

  /// What is made of the bytes behind ESC ]: the color, the keys in between, and how it ended.
  private func answer(_ text: String) -> (color: Int32, keys: String, end: Int) {
    pw_answer_start()
    var keys = ""
    var end = PW_ANSWER_PART
    for byte in text.utf8 {
      end = Int(pw_answer_take(byte))
      if end == PW_ANSWER_KEY { keys.unicodeScalars.append(Unicode.Scalar(byte)) }
      if end == PW_ANSWER_WHOLE || end == PW_ANSWER_NONE { break }
    }
    return (end == PW_ANSWER_WHOLE ? pw_answered_color() : -1, keys, end)
  }

  // xterm's control sequences, "Operating System Commands": the answer has the form of the question, and the color is
  // one that XParseColor knows: rgb:<red>/<green>/<blue>, one to four digits each.
  @Test(
    "An answer has its color, however many digits it writes and whichever end it has",
    arguments: [
      ("11;rgb:ffff/ffff/ffff\u{7}", 0xFFFFFF), ("11;rgb:0000/2b2b/3636\u{1B}\\", 0x002B36),
      ("11;rgb:f/f/f\u{7}", 0xFFFFFF), ("11;rgb:00/80/ff\u{7}", 0x0080FF),
      ("11;rgb:FDFD/F6F6/E3E3\u{1B}\\", 0xFDF6E3), ("11;rgba:1e1e/1e1e/1e1e/ffff\u{7}", 0x1E1E1E),
    ] as [(String, Int32)])
  func color(text: String, color: Int32) {
    #expect(answer(text).color == color)
  }

  @Test(
    "An answer with another color than a color tells none",
    arguments: [
      "11;rgb:\u{7}", "11;rgb:ffff/ffff\u{7}", "11;rgb:fffff/ffff/ffff\u{7}", "11;rgb:/ffff/ffff\u{7}",
      "11;rgb/ffff/ffff/ffff\u{7}", "11;rgb:" + String(repeating: "f", count: 1000) + "\u{7}",
    ])
  func noColor(text: String) {
    let result = answer(text)
    #expect(result.end == PW_ANSWER_WHOLE)
    #expect(result.color == -1)
  }

  @Test("What does not begin as an answer is none", arguments: ["j", "1j", "12;", "11;?", "52;c;", "\u{7}"])
  func other(text: String) {
    #expect(answer(text).end == PW_ANSWER_NONE)
  }

  @Test("A key that comes in between is a key, and the answer goes on")
  func keyBetween() {
    let result = answer("11;rgb:ffjff/fqfff/ffff\u{7}")
    #expect(result.keys == "jq")
    #expect(result.color == 0xFFFFFF)
  }

  @Test("Another control sequence in the middle ends it")
  func sequenceBetween() {
    #expect(answer("11;rgb:ff\u{1B}[A").end == PW_ANSWER_NONE)
  }
}
