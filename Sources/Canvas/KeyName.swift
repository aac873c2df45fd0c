/// Why a list of key names could not be read.
package struct KeyNameError: Error, Hashable, CustomStringConvertible {
  /// The word that names no key.
  package let word: String
  /// One line for people.
  package var description: String {
    "unknown key '\(CellText.visible(word))' (a character, or a name such as Enter, Space, PgDn, Ctrl-d, F1)"
  }
}

extension Key {
  private static let names: [(name: String, key: Key)] = [
    ("Enter", .enter), ("Tab", .tab), ("Shift-Tab", .backTab), ("Backspace", .backspace), ("Esc", .escape),
    ("Up", .up), ("Down", .down), ("Left", .left), ("Right", .right), ("Home", .home), ("End", .end),
    ("PgUp", .pageUp), ("PgDn", .pageDown), ("Ins", .insert), ("Del", .delete),
    ("Space", .character(" ")),
  ]
  /// Other names people write; read, never printed.
  private static let otherNames: [(name: String, key: Key)] = [
    ("Return", .enter), ("BackTab", .backTab), ("Escape", .escape), ("PageUp", .pageUp),
    ("PageDown", .pageDown), ("Insert", .insert), ("Delete", .delete), ("BS", .backspace),
  ]

  /// The key's name, as help shows it and scripts write it: `j`, `Ctrl-d`, `Enter`, `Space`, `PgDn`, `F1`.
  package var name: String {
    if let named = Self.names.first(where: { $0.key == self }) { return named.name }
    return switch self {
    case .character(let character): String(character)
    case .control(let character): "Ctrl-" + Self.name(afterModifier: character)
    case .alt(let character): "Alt-" + Self.name(afterModifier: character)
    case .function(let number): "F\(number)"
    default: ""
    }
  }

  /// The key with this name, or nil. Names are read in any case; single characters are themselves.
  package init?(named name: String) {
    if let character = name.first, name.count == 1 {
      guard let key = Key(typing: character) else { return nil }
      self = key
      return
    }
    let lowercased = name.lowercased()
    let known = Self.names + Self.otherNames
    if let named = known.first(where: { $0.name.lowercased() == lowercased }) {
      self = named.key
    } else if let character = Self.character(of: name, after: ["ctrl-", "c-", "^"]) {
      guard let key = Key(holdingControl: character) else { return nil }
      self = key
    } else if let character = Self.character(of: name, after: ["alt-", "m-"]) {
      self = .alt(character)
    } else if lowercased.first == "f", let number = Int(lowercased.dropFirst()), (1...63).contains(number),
      lowercased == "f\(number)"
    {
      self = .function(number)
    } else {
      return nil
    }
  }

  /// The key that types `character`, nil if none does.
  package init?(typing character: Character) {
    switch character {
    case "\n", "\r", "\r\n": self = .enter
    case "\t": self = .tab
    case "\u{1B}": self = .escape
    case "\u{7F}", "\u{8}": self = .backspace
    default:
      guard character.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
      else { return nil }
      self = .character(character)
    }
  }

  /// What a terminal sends when Ctrl is held with `character`: a key of its own, or one that shares its code.
  package init?(holdingControl character: Character) {
    guard let ascii = character.asciiValue else { return nil }
    switch ascii {
    case UInt8(ascii: "i"), UInt8(ascii: "I"): self = .tab
    case UInt8(ascii: "m"), UInt8(ascii: "M"), UInt8(ascii: "j"), UInt8(ascii: "J"): self = .enter
    case UInt8(ascii: "h"), UInt8(ascii: "H"): self = .backspace
    case UInt8(ascii: "["): self = .escape
    case UInt8(ascii: "a")...UInt8(ascii: "z"): self = .control(character)
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .control(Character(Unicode.Scalar(ascii | 0x20)))
    case UInt8(ascii: "\\"), UInt8(ascii: "]"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "@"):
      self = .control(character)
    case UInt8(ascii: " "): self = .control("@")
    default: return nil
    }
  }

  /// Reads a script's keys: names with white space between them, and text in double quotes, typed as it stands.
  ///
  /// `j j Enter : "goto 0x1000" Enter` is two times j, Enter, a colon, eleven characters and Enter.
  package static func sequence(_ text: String) throws(KeyNameError) -> [Key] {
    var keys: [Key] = []
    var rest = text[...]
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
        continue
      }
      if first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") {
        let quoted = rest[rest.index(after: rest.startIndex)..<end]
        for character in quoted {
          guard let key = Key(typing: character) else { throw KeyNameError(word: String(quoted)) }
          keys.append(key)
        }
        rest = rest[rest.index(after: end)...]
        continue
      }
      let word = String(rest.prefix { !$0.isWhitespace })
      guard let key = Key(named: word) else { throw KeyNameError(word: word) }
      keys.append(key)
      rest = rest.dropFirst(word.count)
    }
    return keys
  }

  private static func name(afterModifier character: Character) -> String {
    character == " " ? "Space" : String(character)
  }

  private static func character(of name: String, after prefixes: [String]) -> Character? {
    let lowercased = name.lowercased()
    for prefix in prefixes where lowercased.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count)
      if rest.lowercased() == "space" { return " " }
      if rest.count == 1, let key = rest.first.flatMap({ Key(typing: $0) }), case .character(let only) = key {
        return only
      }
    }
    return nil
  }
}

extension Key: CustomStringConvertible {
  /// The key's name.
  package var description: String { name }
}
