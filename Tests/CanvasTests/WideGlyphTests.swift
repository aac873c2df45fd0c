import Canvas
import Testing

/// U+6F22 and U+5B57 are East Asian wide: two cells each.
@Suite("Wide glyphs")
struct WideGlyphTests {
  @Test("A wide glyph takes two cells, the second a continuation")
  func twoCells() {
    var canvas = Canvas(width: 5, height: 1)
    #expect(canvas.put("\u{6F22}\u{5B57}", x: 0, y: 0) == 4)
    #expect(canvas.cells.map(\.isContinuation) == [false, true, false, true, false])
    #expect(canvas.text() == "\u{6F22}\u{5B57}\n")
  }

  @Test("A wide glyph cut by an edge or a limit leaves a space, not a half", arguments: [-1, 2])
  func cutByEdge(x: Int) {
    var canvas = Canvas(width: 3, height: 1)
    canvas.put("...", x: 0, y: 0)
    canvas.put("\u{6F22}", x: x, y: 0)
    #expect(canvas.text() == (x < 0 ? " ..\n" : "..\n"))
    #expect(canvas.cells.allSatisfy { !$0.isContinuation })
  }

  @Test("A limit that ends inside a wide glyph is kept")
  func cutByLimit() {
    var canvas = Canvas(width: 6, height: 1)
    canvas.put("......", x: 0, y: 0)
    #expect(canvas.put("a\u{6F22}", x: 0, y: 0, width: 2) == 2)
    #expect(canvas.text() == "a ....\n")
  }

  @Test("Overwriting either half turns the other into a space", arguments: [(1, " a\n"), (0, "a\n")])
  func overwriteHalf(x: Int, expected: String) {
    var canvas = Canvas(width: 2, height: 1)
    canvas.put("\u{6F22}", x: 0, y: 0)
    canvas.put("a", x: x, y: 0)
    #expect(canvas.text() == expected)
    #expect(canvas.cells.allSatisfy { !$0.isContinuation })
  }

  @Test("Wide glyphs written one cell apart leave no half behind")
  func overlapping() {
    var canvas = Canvas(width: 4, height: 1)
    canvas.put("\u{6F22}\u{6F22}", x: 0, y: 0)
    canvas.put("\u{5B57}", x: 1, y: 0)
    #expect(canvas.text() == " \u{5B57}\n")
    #expect(canvas.cells.map(\.isContinuation) == [false, false, true, false])
  }
}
