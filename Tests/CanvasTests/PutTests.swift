import Canvas
import Testing

@Suite("Putting text on a canvas")
struct PutTests {
  @Test("Text that begins left of the canvas loses its beginning only")
  func clipsLeft() {
    var canvas = Canvas(width: 4, height: 1)
    let next = canvas.put("abcdef", x: -3, y: 0)
    #expect(canvas.text() == "def\n")
    #expect(next == 3)
  }

  @Test("Text stops at the right edge and does not reach the next row")
  func clipsRight() {
    var canvas = Canvas(width: 3, height: 2)
    canvas.put("abcdef", x: 1, y: 0)
    #expect(canvas.text() == " ab\n\n")
  }

  @Test("Rows outside take nothing, and still tell where the text would end", arguments: [-1, 2, .min, .max])
  func clipsRows(y: Int) {
    var canvas = Canvas(width: 9, height: 2)
    #expect(canvas.put("abc", x: 1, y: y) == 4)
    #expect(canvas == Canvas(width: 9, height: 2))
  }

  @Test("The ends of the integer range are coordinates like any other", arguments: [Int.min, .max, -1, 3])
  func extremeCoordinates(value: Int) {
    var canvas = Canvas(width: 3, height: 1)
    canvas.put("abc", x: value, y: 0, width: .max)
    canvas.fill(Rectangle(x: value, y: value, width: .max, height: .max), with: "x")
    canvas.restyle(Rectangle(x: value, y: 0, width: value, height: value), to: Style(bold: true))
    #expect(canvas.cells.count == 3)
  }

  @Test("A width limit cuts the text and gives the column after it")
  func widthLimit() {
    var canvas = Canvas(width: 9, height: 1)
    #expect(canvas.put("abcdef", x: 2, y: 0, width: 3) == 5)
    #expect(canvas.text() == "  abc\n")
    #expect(canvas.put("abc", x: 2, y: 0, width: 0) == 2)
  }

  @Test("Inside a clip, nothing outside it changes, and clips nest")
  func nestedClips() {
    var canvas = Canvas(width: 6, height: 1)
    canvas.clipped(to: Rectangle(x: 1, y: 0, width: 4, height: 1)) { canvas in
      canvas.clipped(to: Rectangle(x: 3, y: 0, width: 9, height: 1)) { canvas in
        canvas.fill(canvas.bounds, with: "b")
      }
      canvas.put("a", x: 0, y: 0)
      canvas.put("c", x: 1, y: 0)
    }
    canvas.put("d", x: 0, y: 0)
    #expect(canvas.text() == "dc bb\n")
  }

  @Test("A canvas of no size takes every write")
  func emptyCanvas() {
    var canvas = Canvas(width: 0, height: -3)
    canvas.put("abc", x: 0, y: 0)
    canvas.frame(Rectangle(x: 0, y: 0, width: 9, height: 9), glyphs: .ascii, title: "t")
    #expect(canvas.text() == "")
  }

  @Test("Restyling keeps the glyphs; adding a style keeps colors that it does not name")
  func restyle() {
    var canvas = Canvas(width: 3, height: 1)
    canvas.put("abc", x: 0, y: 0, style: Style(foreground: .palette(2)))
    canvas.restyle(Rectangle(x: 1, y: 0, width: 1, height: 1), adding: Style(reverse: true))
    canvas.restyle(Rectangle(x: 2, y: 0, width: 1, height: 1), to: Style(bold: true))
    #expect(canvas.text() == "abc\n")
    #expect(canvas[1, 0].style == Style(foreground: .palette(2), reverse: true))
    #expect(canvas[2, 0].style == Style(bold: true))
  }

  @Test("A frame is drawn along the edge, with its title cut to fit")
  func frame() {
    var canvas = Canvas(width: 10, height: 3)
    canvas.frame(canvas.bounds, glyphs: .ascii, title: "permissions")
    #expect(canvas.text() == "+- pe.. -+\n|        |\n+--------+\n")
  }
}
