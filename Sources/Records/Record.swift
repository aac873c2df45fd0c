import Canvas

/// A line of output: JSON for scripts, table cells for people.
package protocol Record: Codable, Hashable, Sendable {
  /// The columns that `cells` fills.
  static var columns: [Column] { get }
  /// One text per column.
  var cells: [String] { get }
  /// Writes the fields of the JSON object; they must match Codable's.
  func write(to json: inout JSONLine)
}

/// A column of a table for people.
package struct Column: Hashable, Sendable {
  package let title: String
  /// The minimum width in terminal cells; a longer text pushes the rest of its line to the right.
  package let width: Int
  package let isRightAligned: Bool

  package init(_ title: String, width: Int, rightAligned: Bool = false) {
    self.title = title
    self.width = width
    isRightAligned = rightAligned
  }

  /// The line with these texts in these columns, without trailing blanks.
  package static func line(_ texts: [String], _ columns: [Column]) -> String {
    var line = ""
    for (text, column) in zip(texts, columns) {
      if !line.isEmpty { line += "  " }
      let padding = String(repeating: " ", count: max(0, column.width - CellText.widthAsWritten(text)))
      line += column.isRightAligned ? padding + text : text + padding
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
