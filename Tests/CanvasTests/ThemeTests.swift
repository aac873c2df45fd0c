import Canvas
import Testing

@Suite("Themes and glyphs")
struct ThemeTests {
  private static let forAny: [Theme] = [.color256, .color8, .monochrome]
  static let themes = forAny + [.light256, .dark256, .light8, .dark8]
  private static let clearlySeen: [Role] = [.selection, .finding, .error, .malformed, .match]

  @Test(
    "Where the background is unknown, no theme paints one or uses a foreground that vanishes on light or dark",
    arguments: forAny)
  func readable(theme: Theme) {
    // Black, white and their bright halves; bright green, yellow and cyan on white.
    let vanishing: [Color] = [0, 7, 8, 15, 10, 11, 14].map { .palette($0) }
    for style in Role.allCases.map({ theme[$0] }) + theme.ownerColors {
      #expect(style.background == .default)
      #expect(!vanishing.contains(style.foreground))
    }
  }

  @Test("The themes for 8 colors use no others", arguments: [Theme.color8, .light8, .dark8])
  func eightColors(theme: Theme) {
    for style in Role.allCases.map({ theme[$0] }) + theme.ownerColors {
      if case .palette(let index) = style.foreground { #expect(index < 8) }
    }
  }

  @Test("The monochrome theme uses no color at all")
  func monochrome() {
    for style in Role.allCases.map({ Theme.monochrome[$0] }) + Theme.monochrome.ownerColors {
      #expect(style.foreground == .default)
    }
  }

  // xterm's own palette changes with its owner; entries 16 and up do not.
  @Test(
    "Where the background is known, 256 colors are those that no terminal changes",
    arguments: [Theme.light256, .dark256])
  func fixedColors(theme: Theme) {
    for style in Role.allCases.map({ theme[$0] }) + theme.ownerColors {
      if case .palette(let index) = style.foreground { #expect(index >= 16) }
    }
  }

  @Test("A role can look otherwise, and the others stay; without colors it has its attributes alone")
  func ownStyles() {
    let own: [Role: Style] = [.table: Style(foreground: .palette(33), bold: true)]
    let theme = Theme.light256.with(own)
    #expect(theme[.table] == own[.table])
    #expect(theme[.space] == Theme.light256[.space])
    #expect(Theme.monochrome.with(own)[.table] == Style(bold: true))
  }

  @Test("What must not be overlooked differs from text, in every theme", arguments: themes)
  func standsOut(theme: Theme) {
    for role in Self.clearlySeen { #expect(theme[role] != theme[.text]) }
    #expect(theme[.selection] != theme[.selectionUnfocused])
  }

  @Test("Owners have at least six styles, all different, used in turn", arguments: themes)
  func owners(theme: Theme) {
    #expect(theme.ownerColors.count >= 6)
    #expect(Set(theme.ownerColors).count == theme.ownerColors.count)
    #expect(theme.owner(theme.ownerColors.count + 1) == theme.owner(1))
    #expect(theme.ownerColors.contains(theme.owner(-1)))
  }

  private func scalars(_ glyphs: Glyphs) -> [Unicode.Scalar] {
    let single = [
      glyphs.expanded, glyphs.collapsed, glyphs.bullet, glyphs.horizontal, glyphs.vertical, glyphs.topLeft,
      glyphs.topRight, glyphs.bottomLeft, glyphs.bottomRight, glyphs.teeDown, glyphs.teeUp, glyphs.teeRight,
      glyphs.teeLeft, glyphs.cross,
    ]
    let texts = [
      glyphs.ellipsis, glyphs.folded, glyphs.shared, glyphs.mirror, glyphs.directMap,
      glyphs.recursive, glyphs.hugePage, glyphs.finding, glyphs.stale,
    ]
    return single + texts.flatMap { Array($0.unicodeScalars) }
  }

  @Test("ASCII glyphs are ASCII")
  func asciiGlyphs() {
    for scalar in scalars(.ascii) { #expect((0x20..<0x7F).contains(scalar.value)) }
  }

  // EastAsianWidth.txt lists U+25B8 and U+25BE as N; box drawing (U+2500-257F) is the one allowed exception.
  @Test("Unicode glyphs are ASCII, box drawing, or of a width that is certain")
  func unicodeGlyphs() {
    for scalar in scalars(.unicode) {
      let certain = (0x20..<0x7F).contains(scalar.value) || [0x25B8, 0x25BE].contains(scalar.value)
      #expect(certain || (0x2500..<0x2580).contains(scalar.value))
    }
  }
}
