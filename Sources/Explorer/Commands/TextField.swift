import Canvas

/// A line that is being typed, with a cursor.
struct TextField: Equatable {
  private(set) var characters: [Character]
  private(set) var cursor: Int

  init(_ text: String = "") {
    characters = Array(text)
    cursor = characters.count
  }

  var text: String { String(characters) }
  var isEmpty: Bool { characters.isEmpty }
  var beforeCursor: String { String(characters[..<cursor]) }

  /// No address and no command is longer; a pasted file must not fill memory.
  static let limit = 1000

  /// Inserts pasted text as one line: line breaks and tabs become blanks, other control characters go. Answers
  /// whether all of it had room.
  mutating func insert(pasted text: String) -> Bool {
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      line.compactMap { character in
        character == "\t" ? " " : Key(typing: character) == .character(character) ? character : nil
      }
    }
    let line = Array(lines.filter { !$0.isEmpty }.joined(separator: " "))
    let room = line.prefix(Self.limit - characters.count)
    characters.insert(contentsOf: room, at: cursor)
    cursor += room.count
    return room.count == line.count
  }

  /// Edits as a shell does; answers whether the key was for it.
  mutating func take(_ key: Key) -> Bool {
    switch key {
    case .character(let character):
      guard characters.count < Self.limit else { return true }
      characters.insert(character, at: cursor)
      cursor += 1
    case .backspace:
      guard cursor > 0 else { return true }
      cursor -= 1
      characters.remove(at: cursor)
    case .delete, .control("d"):
      if cursor < characters.count { characters.remove(at: cursor) }
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(characters.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = characters.count
    case .control("u"):
      characters.removeSubrange(..<cursor)
      cursor = 0
    case .control("k"): characters.removeSubrange(cursor...)
    case .control("w"):
      var start = cursor
      while start > 0, characters[start - 1] == " " { start -= 1 }
      while start > 0, characters[start - 1] != " " { start -= 1 }
      characters.removeSubrange(start..<cursor)
      cursor = start
    default: return false
    }
    return true
  }
}
