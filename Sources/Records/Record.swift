import Canvas

/// A line of output: JSON for scripts, cells of a table for people.
package protocol Record: Codable, Hashable, Sendable {
  /// The columns that `cells` fills.
  static var columns: [Column] { get }
  /// One text a column.
  var cells: [String] { get }
  /// The fields of the JSON object; the same as Codable's.
  func write(to json: inout JSONLine)
}

/// A column of a table for people.
package struct Column: Hashable, Sendable {
  package let title: String
  /// Cells in the column at least; a longer text pushes the rest of its line.
  package let width: Int
  package let isRightAligned: Bool

  package init(_ title: String, width: Int, rightAligned: Bool = false) {
    self.title = title
    self.width = width
    isRightAligned = rightAligned
  }

  /// The line of these texts under these columns, without trailing blanks.
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

/// What a path allows, as people read it: `rwxu`, a dash for each that it does not.
func accessLetters(write: Bool, user: Bool, execute: Bool) -> String {
  "r" + (write ? "w" : "-") + (execute ? "x" : "-") + (user ? "u" : "-")
}

/// A number of bytes as people say it: `4K`, `2M`, `1G`, `1.4G`.
package func byteCount(_ bytes: UInt64) -> String {
  let units = ["B", "K", "M", "G", "T", "P", "E"]
  var unit = 0
  var divisor: UInt64 = 1
  while unit < units.count - 1, bytes / divisor >= 1024 {
    unit += 1
    divisor <<= 10
  }
  let tenths = (bytes % divisor) * 10 / divisor
  let isExact = bytes % divisor == 0 || bytes / divisor >= 100
  return "\(bytes / divisor)" + (isExact ? "" : ".\(tenths)") + (unit == 0 ? "" : units[unit])
}
