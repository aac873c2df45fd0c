/// The signs the explorer draws with, in two sets: for terminals that show Unicode and for those that do not.
///
/// Box drawing aside, no glyph is of ambiguous width (Unicode Standard Annex #11): some terminals give such
/// glyphs two cells, and every column after them would be off.
public struct Glyphs: Hashable, Sendable {
  /// A row that is open.
  public let expanded: Unicode.Scalar
  /// A row that can be opened.
  public let collapsed: Unicode.Scalar
  /// A row with nothing below it.
  public let bullet: Unicode.Scalar
  /// Lines.
  public let horizontal: Unicode.Scalar
  /// Lines.
  public let vertical: Unicode.Scalar
  /// The corner of a frame.
  public let topLeft: Unicode.Scalar
  /// The corner of a frame.
  public let topRight: Unicode.Scalar
  /// The corner of a frame.
  public let bottomLeft: Unicode.Scalar
  /// The corner of a frame.
  public let bottomRight: Unicode.Scalar
  /// A horizontal line that another one leaves downwards.
  public let teeDown: Unicode.Scalar
  /// A horizontal line that another one leaves upwards.
  public let teeUp: Unicode.Scalar
  /// A vertical line that another one leaves to the right.
  public let teeRight: Unicode.Scalar
  /// A vertical line that another one leaves to the left.
  public let teeLeft: Unicode.Scalar
  /// Two lines that cross.
  public let cross: Unicode.Scalar
  /// The done part of a progress bar.
  public let progressFull: Unicode.Scalar
  /// The part of a progress bar that is to do.
  public let progressEmpty: Unicode.Scalar
  /// Stands for what was cut off.
  public let ellipsis = ".."
  /// Leads from an entry to what it points at.
  public let arrow = "->"
  /// Comes before the number of equal rows that are folded into one.
  public let folded = "x"
  /// A sub-table that other spaces also reach.
  public let shared = "="
  /// A supervisor mapping of frames that user space also maps.
  public let mirror = "~"
  /// The kernel's linear map.
  public let directMap = "direct"
  /// An entry that points back at a table above it.
  public let recursive = "@"
  /// A leaf above the lowest level.
  public let hugePage = "H"
  /// Something a check found.
  public let finding = "!"
  /// Something that may have changed since it was read.
  public let stale = "?"

  /// For terminals that show UTF-8.
  public static let unicode = Glyphs(
    expanded: "\u{25BE}", collapsed: "\u{25B8}", bullet: " ", horizontal: "\u{2500}", vertical: "\u{2502}",
    topLeft: "\u{250C}", topRight: "\u{2510}", bottomLeft: "\u{2514}", bottomRight: "\u{2518}",
    teeDown: "\u{252C}", teeUp: "\u{2534}", teeRight: "\u{251C}", teeLeft: "\u{2524}", cross: "\u{253C}",
    progressFull: "\u{2501}", progressEmpty: "\u{2500}")

  /// For all other terminals.
  public static let ascii = Glyphs(
    expanded: "-", collapsed: "+", bullet: " ", horizontal: "-", vertical: "|", topLeft: "+", topRight: "+",
    bottomLeft: "+", bottomRight: "+", teeDown: "+", teeUp: "+", teeRight: "+", teeLeft: "+", cross: "+",
    progressFull: "#", progressEmpty: "-")
}
