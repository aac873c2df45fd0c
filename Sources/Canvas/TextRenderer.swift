extension Canvas {
  /// The glyphs alone: one line a row, without the spaces at its end.
  package func text() -> String {
    var result = String.UnicodeScalarView()
    for y in 0..<height {
      let cells = row(y)
      let end = cells.lastIndex { $0.scalar != " " && !$0.isContinuation }.map { $0 + 1 }
      for cell in cells[cells.startIndex..<(end ?? cells.startIndex)] where !cell.isContinuation {
        result.append(cell.scalar)
      }
      result.append("\n")
    }
    return String(result)
  }

  /// The styles alone, for tests: one letter a cell, then a line for each letter that says what it stands for.
  ///
  /// The plain style is `.`; other styles get letters in the order in which they first appear. Should there be
  /// more than 52 of them, the rest share `*`.
  package func attributes() -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    var known: [Style: Character] = [.plain: "."]
    var legend = ""
    var result = ""
    for y in 0..<height {
      var line = ""
      for cell in row(y) {
        if let letter = known[cell.style] {
          line.append(letter)
          continue
        }
        let letter = known.count <= letters.count ? letters[known.count - 1] : "*"
        if letter != "*" { legend += "\(letter) \(cell.style)\n" }
        known[cell.style] = letter
        line.append(letter)
      }
      while line.last == "." { line.removeLast() }
      result += line + "\n"
    }
    return result + legend
  }
}
