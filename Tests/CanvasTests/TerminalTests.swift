import CTerminal
import Canvas
import Testing

@testable import Terminal

@Suite("What the terminal is told and tells")
struct TerminalTests {
  @Test(
    "The theme follows the number of colors and the background",
    arguments: [
      (256, nil, .color256), (8, nil, .color8), (0, nil, .monochrome), (256, .light, .light256),
      (256, .dark, .dark256), (8, .light, .light8), (8, .dark, .dark8), (0, .light, .monochrome),
    ] as [(Int, Background?, Theme)])
  func theme(colors: Int, background: Background?, theme: Theme) {
    let terminal = Capabilities(
      colors: colors, utf8: true, term: "x", background: background, width: 80, height: 24)
    #expect(terminal.theme == theme)
  }

  @Test(
    "Any number of colors that terminfo may report becomes one that there is a theme for",
    arguments: [(-1, 0), (0, 0), (2, 0), (8, 8), (16, 8), (88, 8), (256, 256), (16_777_216, 256)])
  func colors(available: Int, used: Int) {
    #expect(Capabilities.usableColors(available) == used)
  }

  // no-color.org: "when present and not an empty string".
  @Test(
    "NO_COLOR counts when it is set and not empty",
    arguments: [(nil, true), ("", true), ("1", false), ("0", false)])
  func noColor(value: String?, wanted: Bool) {
    #expect(Capabilities.wantsColor(noColor: value) == wanted)
  }

  @Test("Without UTF-8, and on the Linux console, glyphs are ASCII")
  func glyphs() {
    func glyphs(utf8: Bool, term: String) -> Glyphs {
      Capabilities(colors: 8, utf8: utf8, term: term, width: 80, height: 24).glyphs
    }
    #expect(glyphs(utf8: true, term: "xterm") == .unicode)
    #expect(glyphs(utf8: false, term: "xterm") == .ascii)
    #expect(glyphs(utf8: true, term: "linux") == .ascii)
  }

  @Test("Only cells that differ are sent")
  func changedCells() {
    var old = Canvas(width: 8, height: 2)
    old.put("abcdefgh", x: 0, y: 0)
    var new = old
    #expect(CellRuns.changed(row: 0, from: old, to: new).isEmpty)
    new.put("XY", x: 2, y: 0)
    new.put("Z", x: 6, y: 0)
    let runs = CellRuns.changed(row: 0, from: old, to: new)
    #expect(runs.map(\.x) == [2, 6])
    #expect(runs.map { $0.cells.map(\.scalar) } == [[0x58, 0x59], [0x5A]])
    #expect(CellRuns.changed(row: 1, from: old, to: new).isEmpty)
  }

  @Test("After a change of size, everything is sent")
  func changedSize() {
    let runs = CellRuns.changed(row: 0, from: Canvas(width: 2, height: 1), to: Canvas(width: 3, height: 1))
    #expect(runs.map(\.cells.count) == [3])
  }

  @Test("Both halves of a wide glyph are sent when either changes, and the first one says it is wide")
  func changedWideGlyph() {
    var old = Canvas(width: 4, height: 1)
    old.put("\u{6F22}", x: 1, y: 0)
    var new = old
    new.restyle(Rectangle(x: 2, y: 0, width: 1, height: 1), to: Style(bold: true))
    let runs = CellRuns.changed(row: 0, from: old, to: new)
    #expect(runs.map(\.x) == [1])
    #expect(runs.first?.cells.map(\.span) == [2, 0])
  }

  // RFC 4648, section 10, and xterm's control sequences: OSC 52 ; c ; data BEL.
  @Test(
    "The clipboard sequence carries base64",
    arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
  func clipboard(text: String, encoded: String) throws {
    let bytes = try #require(Clipboard.sequence(for: text, insideTmux: false))
    #expect(String(decoding: bytes, as: UTF8.self) == "\u{1B}]52;c;\(encoded)\u{7}")
  }

  @Test("Inside tmux the sequence also comes wrapped, with its escapes doubled")
  func clipboardInTmux() throws {
    let bytes = try #require(Clipboard.sequence(for: "foo", insideTmux: true))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasSuffix("\u{1B}Ptmux;\u{1B}\u{1B}]52;c;Zm9v\u{7}\u{1B}\\"))
  }

  @Test("Text longer than terminals take is refused whole")
  func clipboardLimit() {
    let limit = String(repeating: "x", count: 74994)
    #expect(Clipboard.sequence(for: limit, insideTmux: false)?.count == 7 + 99992 + 1)
    #expect(Clipboard.sequence(for: limit + "x", insideTmux: false) == nil)
  }

  @Test(
    "Control characters are the keys that send them",
    arguments: [
      (0, .control("@")), (4, .control("d")), (8, .backspace), (9, .tab), (10, .enter), (13, .enter),
      (27, .escape), (28, .control("\\")), (127, .backspace), (0x6A, .character("j")),
      (0xE4, .character("ä")),
    ] as [(UInt32, Key)])
  func keyCodes(code: UInt32, key: Key) {
    #expect(Key(code: code) == key)
  }

  @Test("Codes that are no characters are no keys", arguments: [0x80, 0x9B, 0xD800, 0x110000, .max])
  func badKeyCodes(code: UInt32) {
    #expect(Key(code: code) == nil)
  }

  @Test(
    "Alt makes a character another key; with a named key it changes nothing",
    arguments: [(0x78, .alt("x")), (13, .enter), (127, .backspace)] as [(UInt32, Key)])
  func alt(code: UInt32, key: Key) {
    let event = pw_event(kind: Int32(PW_EVENT_ALT), value: code, x: 0, y: 0, shift: false, control: false)
    #expect(InputEvent(event) == .key(key))
  }

  @Test("An event that is unknown, or carries nothing known, is no event")
  func unknownEvents() {
    #expect(InputEvent(pw_event()) == nil)
    #expect(InputEvent(pw_event(kind: 99, value: 0, x: 0, y: 0, shift: false, control: false)) == nil)
    let key = pw_event(kind: Int32(PW_EVENT_KEY), value: .max, x: 0, y: 0, shift: false, control: false)
    #expect(InputEvent(key) == nil)
  }

  @Test("Errors are one line, name the remedy, and pass no control characters on")
  func errors() {
    let errors: [TerminalError] = [
      .noTerminal, .termUnset, .termDumb("dumb"), .termUnknown("\u{1B}[2J"), .busy, .outOfResources,
    ]
    for error in errors { #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }) }
    for error in errors[1...3] { #expect(error.description.contains("TERM=xterm-256color")) }
    for error in errors[..<4] { #expect(error.description.contains("pagewalk screenshot")) }
  }
}
