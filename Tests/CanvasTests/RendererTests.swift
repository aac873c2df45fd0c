import Canvas
import Testing

@Suite("Canvases as text and ANSI")
struct RendererTests {
  private let red = Style(foreground: .palette(1))

  @Test("Text has one line a row, without the spaces at its end")
  func text() {
    var canvas = Canvas(width: 5, height: 3)
    canvas.put("ab  ", x: 0, y: 0, style: Style(reverse: true))
    canvas.put(" c", x: 0, y: 2)
    #expect(canvas.text() == "ab\n\n c\n")
  }

  @Test("ANSI writes a sequence where the style changes, and only there")
  func ansiRuns() {
    var canvas = Canvas(width: 6, height: 1)
    canvas.put("ab", x: 0, y: 0, style: red)
    canvas.put("cd", x: 2, y: 0)
    #expect(canvas.ansi() == "\u{1B}[31mab\u{1B}[0mcd\n")
  }

  @Test("Every ANSI line that ends in a style ends it")
  func ansiLineEnds() {
    var canvas = Canvas(width: 1, height: 2)
    canvas.fill(canvas.bounds, with: "x", style: red)
    #expect(canvas.ansi() == "\u{1B}[31mx\u{1B}[0m\n\u{1B}[31mx\u{1B}[0m\n")
  }

  @Test("Styled spaces at the end of a line are kept in ANSI: they can be seen")
  func ansiStyledSpaces() {
    var canvas = Canvas(width: 3, height: 1)
    canvas.fill(Rectangle(x: 0, y: 0, width: 2, height: 1), style: Style(reverse: true))
    #expect(canvas.ansi() == "\u{1B}[7m  \u{1B}[0m\n")
  }

  @Test("Attributes add up without a reset, and are taken away with one")
  func ansiTransitions() {
    var canvas = Canvas(width: 3, height: 1)
    canvas.put("a", x: 0, y: 0, style: Style(bold: true))
    canvas.put("b", x: 1, y: 0, style: Style(bold: true, underline: true))
    canvas.put("c", x: 2, y: 0, style: Style(underline: true))
    #expect(canvas.ansi() == "\u{1B}[1ma\u{1B}[4mb\u{1B}[0;4mc\u{1B}[0m\n")
  }

  // ECMA-48 8.3.117 for 30-49; xterm's control sequences for 90-107 and 38;5.
  @Test(
    "Colors are written in the shortest form there is",
    arguments: [
      (Style(foreground: .palette(7)), "37"), (Style(foreground: .palette(8)), "90"),
      (Style(foreground: .palette(16)), "38;5;16"), (Style(background: .palette(0)), "40"),
      (Style(background: .palette(15)), "107"), (Style(background: .palette(255)), "48;5;255"),
    ])
  func ansiColors(style: Style, code: String) {
    var canvas = Canvas(width: 1, height: 1)
    canvas.put("x", x: 0, y: 0, style: style)
    #expect(canvas.ansi() == "\u{1B}[\(code)mx\u{1B}[0m\n")
  }

  @Test("A color that goes back to the default is taken away alone")
  func ansiDefaultColor() {
    var canvas = Canvas(width: 2, height: 1)
    canvas.put("a", x: 0, y: 0, style: Style(foreground: .palette(1), bold: true))
    canvas.put("b", x: 1, y: 0, style: Style(bold: true))
    #expect(canvas.ansi() == "\u{1B}[1;31ma\u{1B}[39mb\u{1B}[0m\n")
  }

  @Test("The attribute map has one letter a style, and says which")
  func attributes() {
    var canvas = Canvas(width: 4, height: 2)
    canvas.put("xx", x: 1, y: 0, style: red)
    canvas.put("y", x: 0, y: 1, style: Style(background: .palette(3), bold: true, dim: true))
    canvas.put("x", x: 1, y: 1, style: red)
    #expect(canvas.attributes() == ".aa\nba\na fg:1\nb bold dim bg:3\n")
  }
}
