import Canvas

/// What a terminal can show.
package struct Capabilities: Hashable, Sendable {
  /// 256, 8 or 0; 0 also when the user asked for no color.
  package var colors: Int
  /// Whether the locale writes UTF-8.
  package var utf8: Bool
  /// The terminal's type, as `TERM` names it.
  package var term: String
  /// What the terminal shows behind the text, as far as it told.
  package var background: Background?
  /// Columns.
  package var width: Int
  /// Rows.
  package var height: Int

  /// A terminal with these capabilities.
  package init(
    colors: Int, utf8: Bool, term: String, background: Background? = nil, width: Int, height: Int
  ) {
    self.colors = colors
    self.utf8 = utf8
    self.term = term
    self.background = background
    self.width = width
    self.height = height
  }

  /// The richest theme the terminal can show.
  package var theme: Theme { .suited(colors: colors, on: background) }

  /// The richest glyphs the terminal can show. The Linux console writes UTF-8, but its fonts lack triangles.
  package var glyphs: Glyphs {
    utf8 && term != "linux" ? .unicode : .ascii
  }

  /// The number of colors to use of `available` ones: 256, 8 or none.
  static func usableColors(_ available: Int) -> Int {
    if available >= 256 { return 256 }
    return available >= 8 ? 8 : 0
  }

  /// Whether the environment asks for no color: `NO_COLOR` is set and not empty (no-color.org).
  package static func wantsColor(noColor: String?) -> Bool {
    noColor?.isEmpty ?? true
  }
}
