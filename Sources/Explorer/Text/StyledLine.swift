import Canvas

/// A line of text in pieces that mean different things.
struct StyledLine: Hashable, Sendable {
  struct Piece: Hashable, Sendable {
    let text: String
    let role: Role
  }

  private(set) var pieces: [Piece] = []
  /// Where Enter goes from it; nil for a line that only tells.
  private(set) var link: DetailLink?

  init() {}

  init(_ text: String, _ role: Role = .text) {
    pieces = [Piece(text: text, role: role)]
  }

  mutating func add(_ text: String, _ role: Role = .text) {
    if !text.isEmpty { pieces.append(Piece(text: text, role: role)) }
  }

  func adding(_ text: String, _ role: Role = .text) -> StyledLine {
    var line = self
    line.add(text, role)
    return line
  }

  func linked(to link: DetailLink?) -> StyledLine {
    var line = self
    line.link = link
    return line
  }

  var text: String { pieces.map(\.text).joined() }
  var width: Int { pieces.reduce(0) { $0 + CellText.width(of: $1.text) } }

  /// The line in several of at most `width` cells, broken between words, later ones indented by `indent`.
  func wrapped(to width: Int, indent: Int = 2) -> [StyledLine] {
    guard self.width > width, width > 0 else { return [self] }
    var lines: [StyledLine] = []
    var line = StyledLine()
    var used = 0
    let margin = min(indent, width / 2)
    for piece in pieces {
      var word = ""
      func flush() {
        let size = CellText.width(of: word)
        if used + size > width, used > (lines.isEmpty ? 0 : margin) {
          lines.append(line)
          line = StyledLine(String(repeating: " ", count: margin))
          used = margin
          while word.first == " " { word.removeFirst() }
        }
        line.add(word, piece.role)
        used += CellText.width(of: word)
        word = ""
      }
      for character in piece.text {
        // A break goes before a run of blanks.
        if character == " ", word.contains(where: { $0 != " " }) { flush() }
        word.append(character)
      }
      flush()
    }
    lines.append(line)
    return link == nil ? lines : lines.map { $0.linked(to: link) }
  }
}

extension Canvas {
  /// Puts a line; what does not fit into `width` cells is cut with an ellipsis.
  @discardableResult
  mutating func put(_ line: StyledLine, x: Int, y: Int, width: Int, theme: Theme) -> Int {
    var column = x
    for piece in line.pieces {
      let room = width - (column - x)
      if room <= 0 { break }
      let isCut = CellText.width(of: piece.text) > room
      column = put(
        isCut ? CellText.fitted(piece.text, to: room) : piece.text, x: column, y: y, style: theme[piece.role],
        width: room)
      if isCut { break }
    }
    return column
  }
}
