import CTerminal
import Testing

@Suite("How the terminal's marks part pasted text from keys", .serialized)
struct PasteTests {
  /// The text that is taken from bytes behind a start mark, and how many of them, up to the end mark.
  private func pasted(_ text: String) -> (text: String, taken: Int, isWhole: Bool) {
    pw_paste_start()
    var taken = 0
    var isWhole = false
    for byte in text.utf8 where !isWhole {
      isWhole = pw_paste_take(byte)
      taken += 1
    }
    var count = 0
    let bytes = pw_pasted_text(&count)
    return (String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self), taken, isWhole)
  }

  // xterm's control sequences, "Bracketed Paste Mode": the text ends with ESC [ 201 ~.
  @Test(
    "Text ends at its end mark, whatever looks like the beginning of one",
    arguments: [
      "", "q", "a\rb\n", "\u{1B}", "\u{1B}[", "\u{1B}[20", "\u{1B}[200~", "\u{1B}\u{1B}[201",
      "\u{1B}[2\u{1B}[20",
      "\u{0}\u{3}\u{1A}", "\u{E4}\u{6F22}",
    ])
  func end(text: String) {
    let result = pasted(text + "\u{1B}[201~rest")
    #expect(result.text == text)
    #expect(result.taken == text.utf8.count + 6)
    #expect(result.isWhole)
  }

  @Test("Without an end mark it goes on")
  func noEnd() {
    #expect(!pasted("text\u{1B}[201").isWhole)
    #expect(!pasted("text[201~\u{1B}]201~\u{1B}[202~").isWhole)
  }

  @Test("A text without bounds takes no memory without bounds, and its end is still found")
  func long() {
    let result = pasted(String(repeating: "x", count: 1 << 20) + "\u{1B}[201~")
    #expect(result.isWhole)
    #expect(result.text.utf8.count < 1 << 16)
    #expect(result.text.utf8.allSatisfy { $0 == UInt8(ascii: "x") })
  }
}
