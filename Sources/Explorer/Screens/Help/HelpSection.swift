/// A part of the help that every screen shows: signs, keys or words, and what each means. The first line is a heading;
/// it may have a meaning, too.
struct HelpSection: Sendable {
  let lines: [(name: String, meaning: String)]

  init(_ heading: String, _ meaning: String = "", _ lines: [(String, String)] = []) {
    self.lines = [(heading, meaning)] + lines
  }

  /// Stands for what the tables at the root are called where the person is.
  static let rootName = "{root}"
}
