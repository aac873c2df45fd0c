/// A filter for mappings, as people type it: words that must all match.
///
/// `w`, `x`, `u` ask for a permission, `s` for supervisor only; letters may stand together (`wx`), each holding by
/// itself where either privilege has it; `!` turns the rest of its word around (`!w`: neither has it). `huge` asks for pages above the last level, `4k`, `2m`, `1g` and the like for a size.
package struct LeafFilter: Hashable, Sendable {
  /// The text is not a valid filter.
  package struct UnknownWord: Error, Hashable, Sendable, CustomStringConvertible {
    package let word: String
    package var description: String {
      "unknown filter '\(word)'; known: letters of w x u s, ! before them, huge, a size (4k, 2m, 1g)"
    }
  }

  private enum Condition: Hashable {
    /// Any of the rights.
    case allows(Rights)
    /// None of them.
    case forbids(Rights)
    case huge(Bool)
    case pageSize(UInt64, Bool)
  }

  private var conditions: [Condition] = []

  /// Words are separated by blanks or commas; an empty text lets everything through.
  package init(_ text: String) throws(UnknownWord) {
    for word in text.lowercased().split(whereSeparator: { $0 == " " || $0 == "," }) {
      let isPositive = !word.hasPrefix("!")
      let body = isPositive ? word : word.dropFirst()
      if body == "huge" {
        conditions.append(.huge(isPositive))
      } else if let size = ByteText.parsePageSize(body) {
        conditions.append(.pageSize(size, isPositive))
      } else {
        guard !body.isEmpty else { throw UnknownWord(word: String(word)) }
        for letter in body {
          switch letter {
          case "r": if !isPositive { throw UnknownWord(word: String(word)) }
          case "w": conditions.append(isPositive ? .allows(.writeOfEither) : .forbids(.writeOfEither))
          case "x": conditions.append(isPositive ? .allows(.executeOfEither) : .forbids(.executeOfEither))
          case "u": conditions.append(isPositive ? .allows(.ofUser) : .forbids(.ofUser))
          case "s": conditions.append(isPositive ? .forbids(.ofUser) : .allows(.ofUser))
          default: throw UnknownWord(word: String(word))
          }
        }
      }
    }
  }

  package var isEmpty: Bool { conditions.isEmpty }

  /// Whether a mapping passes, by its rights as they are shown.
  package func matches(rights: Rights, pageSize: UInt64, smallestPage: UInt64) -> Bool {
    conditions.allSatisfy { condition in
      switch condition {
      case .allows(let wanted): !rights.isDisjoint(with: wanted)
      case .forbids(let unwanted): rights.isDisjoint(with: unwanted)
      case .huge(let wanted): (pageSize > smallestPage) == wanted
      case .pageSize(let size, let wanted): (pageSize == size) == wanted
      }
    }
  }
}
