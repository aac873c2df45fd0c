import Canvas
import Testing

@Suite("Canvases as SVG")
struct SvgTests {
  private func svg(_ text: String, style: Style = .plain, width: Int = 8) -> String {
    var canvas = Canvas(width: width, height: 1)
    canvas.put(text, x: 0, y: 0, style: style)
    return canvas.svg()
  }

  private func lines(_ svg: String, startingWith prefix: String) -> [String] {
    svg.split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
  }

  @Test("Markup in the text stays text")
  func escaping() {
    #expect(svg("<a&\"b\">", width: 8).contains(">&lt;a&amp;&quot;b&quot;&gt;</text>"))
    let titled = Canvas(width: 1, height: 1).svg(title: "</title>\u{1B}")
    #expect(titled.contains("<title>&lt;/title&gt;?</title>"))
  }

  @Test("A run of one style is one text, as long as its cells")
  func runs() {
    var canvas = Canvas(width: 8, height: 1)
    canvas.put("abc", x: 0, y: 0)
    canvas.put("de", x: 3, y: 0, style: Style(bold: true))
    let texts = lines(canvas.svg(), startingWith: "<text ")
    #expect(texts.count == 2)
    #expect(texts.first == "<text x=\"9\" y=\"22\" textLength=\"27\" class=\"fg\">abc</text>")
    #expect(texts.last == "<text x=\"36\" y=\"22\" textLength=\"18\" class=\"fg bold\">de</text>")
  }

  @Test("Spaces around a run are not drawn, and do not move it")
  func trimmedRuns() {
    #expect(svg("  ab").contains("<text x=\"27\" y=\"22\" textLength=\"18\" class=\"fg\">ab</text>"))
    #expect(lines(svg("    "), startingWith: "<text ").isEmpty)
    #expect(svg("  ", style: Style(underline: true), width: 2).contains("class=\"fg underline\">  </text>"))
  }

  @Test("Backgrounds are one rectangle a run; the default one is none")
  func backgrounds() {
    var canvas = Canvas(width: 6, height: 1)
    canvas.put("ab", x: 1, y: 0, style: Style(background: .palette(4)))
    canvas.put("c", x: 3, y: 0, style: Style(background: .palette(4), bold: true))
    let rectangles = lines(canvas.svg(), startingWith: "<rect x=")
    #expect(rectangles == ["<rect x=\"18\" y=\"9\" width=\"27\" height=\"18\" class=\"c4\"/>"])
  }

  @Test("Reverse swaps the colors, the defaults too")
  func reverse() {
    let picture = svg("a", style: Style(foreground: .palette(1), reverse: true), width: 1)
    #expect(lines(picture, startingWith: "<rect x=").first?.contains("class=\"c1\"") == true)
    #expect(lines(picture, startingWith: "<text ").first?.contains("class=\"bg\"") == true)
  }

  @Test("The style sheet has light and dark colors, for what is used and nothing else")
  func styleSheet() {
    let picture = svg("a", style: Style(foreground: .palette(2)), width: 1)
    #expect(picture.contains("@media (prefers-color-scheme: dark) {"))
    #expect(lines(picture, startingWith: ".c2 ").count == 2)
    #expect(lines(picture, startingWith: ".c").count == 2)
    #expect(!picture.contains(".bold"))
  }

  // Entry 196 is the cube's (5, 0, 0), 244 the gray of level 128: xterm's 256colres.
  @Test(
    "The fixed part of the palette has the colors that terminals give it",
    arguments: [(196, "#ff0000"), (244, "#808080")])
  func fixedPalette(index: UInt8, color: String) {
    #expect(svg("a", style: Style(foreground: .palette(index))).contains(".c\(index) { fill: \(color); }"))
  }

  @Test("A wide glyph is a text of its own, two cells long")
  func wideGlyph() {
    let texts = lines(svg("a\u{6F22}b"), startingWith: "<text ")
    #expect(texts.count == 3)
    #expect(
      texts.dropFirst().first == "<text x=\"18\" y=\"22\" textLength=\"18\" class=\"fg\">\u{6F22}</text>")
  }

  @Test("The same canvas gives the same bytes, ended by a newline, with no reference to the outside")
  func stable() {
    var canvas = Canvas(width: 40, height: 12)
    for (index, role) in Role.allCases.enumerated() {
      canvas.put("\(role)", x: index / 12 * 10, y: index % 12, style: Theme.color256[role])
    }
    let picture = canvas.svg(title: "t")
    let copy = canvas
    #expect(copy.svg(title: "t") == picture)
    #expect(picture.hasSuffix("</svg>\n"))
    #expect(picture.split(separator: "http").count == 2)
    #expect(!picture.contains("url("))
  }
}
