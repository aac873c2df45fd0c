/// A color of the terminal: its own default, or an entry of its palette (0-15 the user's colors, 16-255 fixed).
public enum Color: Hashable, Sendable {
  /// The terminal's own foreground or background, whatever the user made it.
  case `default`
  /// An entry of the terminal's palette.
  case palette(UInt8)
}

/// How one cell looks: two colors and four attributes.
public struct Style: Hashable, Sendable {
  /// The color of the glyph.
  public var foreground: Color
  /// The color behind the glyph.
  public var background: Color
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
  public init(
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
  public static let plain = Style()

  /// Heavier strokes.
  public var bold: Bool {
    get { attributes.contains(.bold) }
    set { attributes.set(.bold, to: newValue) }
  }

  /// Fainter strokes.
  public var dim: Bool {
    get { attributes.contains(.dim) }
    set { attributes.set(.dim, to: newValue) }
  }

  /// A line below the glyph.
  public var underline: Bool {
    get { attributes.contains(.underline) }
    set { attributes.set(.underline, to: newValue) }
  }

  /// Foreground and background swapped.
  public var reverse: Bool {
    get { attributes.contains(.reverse) }
    set { attributes.set(.reverse, to: newValue) }
  }

  /// This style with `overlay` laid over it: the overlay's colors win where it has any, attributes add up.
  public func adding(_ overlay: Style) -> Style {
    var result = self
    if overlay.foreground != .default { result.foreground = overlay.foreground }
    if overlay.background != .default { result.background = overlay.background }
    result.attributes.formUnion(overlay.attributes)
    return result
  }
}

extension Style: CustomStringConvertible {
  /// The words of the style, in a fixed order: `bold underline fg:2`, or `plain`.
  public var description: String {
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
