/// A filter for mappings, as people type it: words that must all match.
///
/// `w`, `x`, `u` require a permission, `s` supervisor only; letters may be combined (`wx`); `!` negates the rest of
/// its word (`!w`). `huge` selects pages above the last level; `4k`, `2m`, `1g` and the like select a page size.
package struct LeafFilter: Hashable, Sendable {
  /// The text is not a valid filter.
  package struct UnknownWord: Error, Hashable, Sendable, CustomStringConvertible {
    package let word: String
    package var description: String {
      "unknown filter '\(word)'; known: letters of w x u s, ! before them, huge, a size (4k, 2m, 1g)"
    }
  }

  private enum Condition: Hashable {
    case allows(Access)
    case forbids(Access)
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
          case "w": conditions.append(isPositive ? .allows(.write) : .forbids(.write))
          case "x": conditions.append(isPositive ? .allows(.execute) : .forbids(.execute))
          case "u": conditions.append(isPositive ? .allows(.user) : .forbids(.user))
          case "s": conditions.append(isPositive ? .forbids(.user) : .allows(.user))
          default: throw UnknownWord(word: String(word))
          }
        }
      }
    }
  }

  package var isEmpty: Bool { conditions.isEmpty }

  /// Whether a mapping passes.
  package func matches(access: Access, pageSize: UInt64, smallestPage: UInt64) -> Bool {
    conditions.allSatisfy { condition in
      switch condition {
      case .allows(let wanted): access.isSuperset(of: wanted)
      case .forbids(let unwanted): access.isDisjoint(with: unwanted)
      case .huge(let wanted): (pageSize > smallestPage) == wanted
      case .pageSize(let size, let wanted): (pageSize == size) == wanted
      }
    }
  }
}
