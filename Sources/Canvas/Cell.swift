/// One cell of a canvas: a glyph and its style.
public struct Cell: Hashable, Sendable {
  /// The glyph; a space in a continuation.
  public var scalar: Unicode.Scalar
  /// How the cell looks.
  public var style: Style
  /// Whether the cell is the right half of the wide glyph in the cell before it.
  public var isContinuation: Bool

  /// A cell that shows `scalar`.
  public init(_ scalar: Unicode.Scalar, style: Style = .plain, isContinuation: Bool = false) {
    self.scalar = scalar
    self.style = style
    self.isContinuation = isContinuation
  }

  /// A space in the terminal's own look.
  public static let blank = Cell(" ")
}
