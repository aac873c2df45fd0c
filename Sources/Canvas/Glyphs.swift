/// The signs the explorer draws with, in two sets: for terminals that show Unicode and for those that do not.
///
/// Box drawing aside, no glyph is of ambiguous width (Unicode Standard Annex #11): some terminals give such
/// glyphs two cells, and every column after them would be off.
package struct Glyphs: Hashable, Sendable {
  /// A row that is open.
  package let expanded: Unicode.Scalar
  /// A row that can be opened.
  package let collapsed: Unicode.Scalar
  /// A row with nothing below it.
  package let bullet: Unicode.Scalar
  /// Lines.
  package let horizontal: Unicode.Scalar
  /// Lines.
  package let vertical: Unicode.Scalar
  /// The corner of a frame.
  package let topLeft: Unicode.Scalar
  /// The corner of a frame.
  package let topRight: Unicode.Scalar
  /// The corner of a frame.
  package let bottomLeft: Unicode.Scalar
  /// The corner of a frame.
  package let bottomRight: Unicode.Scalar
  /// A horizontal line that another one leaves downwards.
  package let teeDown: Unicode.Scalar
  /// A horizontal line that another one leaves upwards.
  package let teeUp: Unicode.Scalar
  /// A vertical line that another one leaves to the right.
  package let teeRight: Unicode.Scalar
  /// A vertical line that another one leaves to the left.
  package let teeLeft: Unicode.Scalar
  /// Two lines that cross.
  package let cross: Unicode.Scalar
  /// Stands for what was cut off.
  package let ellipsis = ".."
  /// Comes before the number of equal rows that are folded into one.
  package let folded = "x"
  /// A sub-table that other spaces also reach.
  package let shared = "="
  /// Frames that the kernel maps and user space, too: comes before the number of mirrors below a table.
  package let mirror = "~"
  /// A user mapping of frames that the kernel also maps: the other side is the kernel's.
  package let mirrored = "~>"
  /// A supervisor mapping of frames that user space also maps: the other side is the user's.
  package let mirroring = "<~"
  /// The kernel's linear map.
  package let directMap = "direct"
  /// An entry that points back at a table above it.
  package let recursive = "@"
  /// A leaf above the lowest level.
  package let hugePage = "H"
  /// Leaves that belong together.
  package let contiguous = "#"
  /// Something a check found.
  package let finding = "!"
  /// Something that may have changed since it was read.
  package let stale = "?"

  /// For terminals that show UTF-8.
  package static let unicode = Glyphs(
    expanded: "\u{25BE}", collapsed: "\u{25B8}", bullet: " ", horizontal: "\u{2500}", vertical: "\u{2502}",
    topLeft: "\u{250C}", topRight: "\u{2510}", bottomLeft: "\u{2514}", bottomRight: "\u{2518}",
    teeDown: "\u{252C}", teeUp: "\u{2534}", teeRight: "\u{251C}", teeLeft: "\u{2524}", cross: "\u{253C}")

  /// For all other terminals.
  package static let ascii = Glyphs(
    expanded: "-", collapsed: "+", bullet: " ", horizontal: "-", vertical: "|", topLeft: "+", topRight: "+",
    bottomLeft: "+", bottomRight: "+", teeDown: "+", teeUp: "+", teeRight: "+", teeLeft: "+", cross: "+")
}
