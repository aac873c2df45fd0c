import Canvas

/// A line that is being typed, with a cursor.
struct TextField: Equatable {
  private(set) var characters: [Character]
  private(set) var cursor: Int
  /// Whether all of the text is selected: what is typed replaces it.
  private(set) var isSelected: Bool

  init(_ text: String = "", isSelected: Bool = false) {
    characters = Array(text)
    cursor = characters.count
    self.isSelected = isSelected && !text.isEmpty
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
    replaceSelection()
    let line = Array(lines.filter { !$0.isEmpty }.joined(separator: " "))
    let room = line.prefix(Self.limit - characters.count)
    characters.insert(contentsOf: room, at: cursor)
    cursor += room.count
    return room.count == line.count
  }

  /// Takes the selected text out.
  private mutating func replaceSelection() {
    guard isSelected else { return }
    self = TextField()
  }

  /// Edits as a shell does; answers whether the key was for it.
  mutating func take(_ key: Key) -> Bool {
    let wasSelected = isSelected
    let isTaken = edit(key)
    isSelected = wasSelected && !isTaken
    return isTaken
  }

  private mutating func edit(_ key: Key) -> Bool {
    switch key {
    case .backspace where isSelected, .delete where isSelected: replaceSelection()
    case .character(let character):
      replaceSelection()
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
