/// One cell of a canvas: a glyph and its style.
package struct Cell: Hashable, Sendable {
  /// The glyph; a space in a continuation.
  package var scalar: Unicode.Scalar
  /// How the cell looks.
  package var style: Style
  /// Whether the cell is the right half of the wide glyph in the cell before it.
  package var isContinuation: Bool

  /// A cell that shows `scalar`.
  package init(_ scalar: Unicode.Scalar, style: Style = .plain, isContinuation: Bool = false) {
    self.scalar = scalar
    self.style = style
    self.isContinuation = isContinuation
  }

  /// A space in the terminal's own look.
  package static let blank = Cell(" ")
}
