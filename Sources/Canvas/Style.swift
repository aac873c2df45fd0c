/// A color of the terminal: its own default, or an entry of its palette (0-15 the user's colors, 16-255 fixed).
package enum Color: Hashable, Sendable {
  /// The terminal's own foreground or background, whatever the user made it.
  case `default`
  /// An entry of the terminal's palette.
  case palette(UInt8)
}

/// How one cell looks: two colors and four attributes.
package struct Style: Hashable, Sendable {
  /// The color of the glyph.
  package var foreground: Color
  /// The color behind the glyph.
  package var background: Color
  private var attributes: Attributes

  private struct Attributes: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let bold = Attributes(rawValue: 1)
    static let dim = Attributes(rawValue: 2)
    static let underline = Attributes(rawValue: 4)
    static let reverse = Attributes(rawValue: 8)

    mutating func set(_ attribute: Attributes, to value: Bool) {
      if value { insert(attribute) } else { remove(attribute) }
    }
  }

  /// A style with the given colors and attributes; by default the terminal's own look.
  package init(
    foreground: Color = .default, background: Color = .default, bold: Bool = false, dim: Bool = false,
    underline: Bool = false, reverse: Bool = false
  ) {
    self.foreground = foreground
    self.background = background
    attributes = []
    self.bold = bold
    self.dim = dim
    self.underline = underline
    self.reverse = reverse
  }

  /// The terminal's own look.
  package static let plain = Style()

  /// Heavier strokes.
  package var bold: Bool {
    get { attributes.contains(.bold) }
    set { attributes.set(.bold, to: newValue) }
  }

  /// Fainter strokes.
  package var dim: Bool {
    get { attributes.contains(.dim) }
    set { attributes.set(.dim, to: newValue) }
  }

  /// A line below the glyph.
  package var underline: Bool {
    get { attributes.contains(.underline) }
    set { attributes.set(.underline, to: newValue) }
  }

  /// Foreground and background swapped.
  package var reverse: Bool {
    get { attributes.contains(.reverse) }
    set { attributes.set(.reverse, to: newValue) }
  }

  /// Its attributes alone.
  var withoutColors: Style { Style(bold: bold, dim: dim, underline: underline, reverse: reverse) }

  /// This style with `overlay` laid over it: the overlay's colors win where it has any, attributes add up.
  package func adding(_ overlay: Style) -> Style {
    var result = self
    if overlay.foreground != .default { result.foreground = overlay.foreground }
    if overlay.background != .default { result.background = overlay.background }
    result.attributes.formUnion(overlay.attributes)
    return result
  }
}

extension Style: CustomStringConvertible {
  /// The words of the style, in a fixed order: `bold underline fg:2`, or `plain`.
  package var description: String {
    var words: [String] = []
    if bold { words.append("bold") }
    if dim { words.append("dim") }
    if underline { words.append("underline") }
    if reverse { words.append("reverse") }
    if case .palette(let index) = foreground { words.append("fg:\(index)") }
    if case .palette(let index) = background { words.append("bg:\(index)") }
    return words.isEmpty ? "plain" : words.joined(separator: " ")
  }
}
