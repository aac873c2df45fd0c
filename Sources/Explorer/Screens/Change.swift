/// What has changed of all that screens show.
enum Change: Hashable, Sendable {
  /// The spaces are others, or stand elsewhere; none of them is indexed.
  case spaces
  /// The same spaces stand where they stood; their names may be others.
  case names
  /// The command lines of the spaces' processes are known.
  case commandLines
  /// What all spaces say together, or why that is not known.
  case index
  /// Tables were written.
  case tables
  /// Who tells what addresses are called.
  case guest
  /// What the addresses of one space are called.
  case namesOfSpace(SpaceID)
  /// The width of the screen.
  case width

  /// Whether it is about what all spaces say together, and what their names and frames are called.
  var isAboutIndex: Bool {
    switch self {
    case .spaces, .names, .index, .guest: true
    case .commandLines, .tables, .namesOfSpace, .width: false
    }
  }
}
