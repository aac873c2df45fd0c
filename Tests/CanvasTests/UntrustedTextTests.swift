import CTerminal
import Canvas
import Glibc
import Testing

@Suite("Text from a dump")
struct UntrustedTextTests {
  @Test(
    "Scalars that control a terminal, reorder a line or show nothing become a visible substitute",
    arguments: [
      "\u{0}", "\u{7}", "\u{8}", "\t", "\n", "\r", "\u{1B}", "\u{7F}", "\u{80}", "\u{85}", "\u{9B}", "\u{AD}",
      "\u{61C}", "\u{200B}", "\u{200D}", "\u{200E}", "\u{200F}", "\u{2028}", "\u{2029}", "\u{202A}",
      "\u{202E}", "\u{2060}", "\u{2066}", "\u{2069}", "\u{FEFF}", "\u{FFF9}", "\u{E0041}", "\u{E000}",
      "\u{FFFF}", "\u{3164}", "\u{115F}", "\u{1F600}", "\u{231A}",
    ] as [Unicode.Scalar])
  func substituted(scalar: Unicode.Scalar) {
    var canvas = Canvas(width: 4, height: 1)
    canvas.put("a" + String(scalar) + "b", x: 0, y: 0)
    #expect(canvas.text() == "a?b\n")
  }

  @Test("A carriage return with its line feed is one character, and two substitutes")
  func carriageReturnLineFeed() {
    #expect(CellText.visible("a\r\nb") == "a??b")
  }

  @Test("An escape sequence arrives as harmless text")
  func escapeSequence() {
    var canvas = Canvas(width: 20, height: 1)
    canvas.put("\u{1B}]0;x\u{7}\u{1B}[2J", x: 0, y: 0)
    #expect(canvas.text() == "?]0;x??[2J\n")
    #expect(canvas.ansi().unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
  }

  @Test(
    "Combining marks take no cell and leave no trace", arguments: ["e\u{301}x", "e\u{20DD}x", "e\u{FE0F}x"])
  func combining(text: String) {
    #expect(CellText.width(of: text) == 2)
    #expect(CellText.visible(text) == "ex")
  }

  @Test(
    "No scalar is given another width than the C library gives it",
    arguments: [0..<0x3000, 0x3000..<0xFFFF, 0x10000..<0x20000, 0x20000..<0x40000] as [Range<UInt32>])
  func widthsAgreeWithTheSystem(range: Range<UInt32>) throws {
    let utf8 = try #require(newlocale(LC_CTYPE_MASK, "C.UTF-8", nil))
    let before = uselocale(utf8)
    defer {
      uselocale(before)
      freelocale(utf8)
    }
    var wrong: [String] = []
    for scalar in range.lazy.compactMap({ Unicode.Scalar($0) }) {
      let text = String(scalar)
      let width = CellText.width(of: text)
      let system = pw_width(scalar.value)
      // Below zero: the C library is older than the scalar, or does not print it.
      if width == 0 || system < 0 || CellText.visible(text) == "?" { continue }
      if Int(system) != width { wrong.append(String(scalar.value, radix: 16)) }
    }
    #expect(wrong == [])
  }

  @Test("Text that is cut says so, and never exceeds its room")
  func fitted() {
    #expect(CellText.fitted("swapper", to: 7) == "swapper")
    #expect(CellText.fitted("swapper", to: 5) == "swa..")
    #expect(CellText.fitted("swapper", to: 2) == "sw")
    #expect(CellText.fitted("swapper", to: 0) == "")
    #expect(CellText.fitted("\u{6F22}\u{5B57}x", to: 4) == "\u{6F22}..")
    #expect(CellText.fitted("\u{6F22}\u{5B57}x", to: 1) == "")
  }
}
