import PageTables

/// What the tree shows: words, parted by blanks or commas, that all have to hold.
///
/// - letters of `w`, `x`, `u`, `s`: the path is writable or executable, for either privilege, open to user mode, for
///   the supervisor only
/// - `huge`, `4k`, `2m`, `4m`, `1g`: the size of the page
/// - `marked`, `swapped`, `malformed`, `recursive`: what else an entry is
/// - `!` before a word turns it round: `!wx` is neither writable nor executable
/// - anything else, or any word after `name:`: part of a space's name, its pid or its root
///
/// These are the words of `LeafFilter`, and a few more. A table stays in view as long as something below it
/// could match: what a path lost, nothing below it has.
package struct TreeFilter: Hashable, Sendable {
  private enum Condition: Hashable, Sendable {
    /// Any of the rights.
    case allows(Rights)
    /// None of them.
    case forbids(Rights)
    case huge(Bool)
    case pageSize(UInt64, Bool)
    case kind(EntryKind, Bool)
    case recursive(Bool)
    case swapped(Bool)
    case text(String, Bool)
  }

  /// As it was written.
  package let text: String
  private let conditions: [Condition]

  /// Reads the words; every text is a filter.
  package init(_ text: String) {
    self.text = text
    conditions = text.split { $0 == " " || $0 == "," }.flatMap { word in
      let wanted = !word.hasPrefix("!")
      return Self.conditions(String((wanted ? word : word.dropFirst()).lowercased()), wanted)
    }
  }

  private static func conditions(_ word: String, _ wanted: Bool) -> [Condition] {
    if word.isEmpty || word == "name:" { return [] }
    if word.hasPrefix("name:") { return [.text(String(word.dropFirst(5)), wanted)] }
    if let size = ByteText.parsePageSize(word) { return [.pageSize(size, wanted)] }
    switch word {
    case "huge": return [.huge(wanted)]
    case "marked": return [.kind(.marked, wanted)]
    case "swapped": return [.swapped(wanted)]
    case "malformed": return [.kind(.malformed, wanted)]
    case "recursive": return [.recursive(wanted)]
    default: break
    }
    guard word.allSatisfy({ "wxus".contains($0) }) else { return [.text(word, wanted)] }
    return word.map { letter in
      switch letter {
      case "w": wanted ? .allows(.writeOfEither) : .forbids(.writeOfEither)
      case "x": wanted ? .allows(.executeOfEither) : .forbids(.executeOfEither)
      case "u": wanted ? .allows(.ofUser) : .forbids(.ofUser)
      default: wanted ? .forbids(.ofUser) : .allows(.ofUser)
      }
    }
  }

  /// Whether it lets everything pass.
  package var isEmpty: Bool { conditions.isEmpty }

  /// Whether it asks for something of entries, so that a table is worth showing only for what lies below.
  var concernsEntries: Bool {
    conditions.contains { if case .text = $0 { false } else { true } }
  }

  /// Whether it asks for something of spaces.
  var concernsSpaces: Bool {
    conditions.contains { if case .text = $0 { true } else { false } }
  }

  /// Whether a space with these texts (name, pid, root) is shown.
  func accepts(space texts: [String]) -> Bool {
    conditions.allSatisfy { condition in
      guard case .text(let text, let wanted) = condition else { return true }
      return texts.contains { $0.lowercased().contains(text) } == wanted
    }
  }

  /// Whether an entry of a scheme is shown.
  ///
  /// - Parameter isSwapped: whether an entry, which is marked, keeps a place in swap space.
  func accepts(_ row: TreeRow, in scheme: PagingScheme, isSwapped: (TreeRow) -> Bool = { _ in false }) -> Bool
  {
    // A space is worth showing for what lies below.
    if row.kind == .space { return true }
    let isTable = row.entryKind == .table
    let isLeaf = row.entryKind == .leaf
    let rights = scheme.shown(row.rights)
    return conditions.allSatisfy { condition in
      switch condition {
      case .text: true
      case .allows(let wanted): (isTable || isLeaf) && !rights.isDisjoint(with: wanted)
      case .forbids(let unwanted): isTable || (isLeaf && rights.isDisjoint(with: unwanted))
      case .huge(let wanted): isTable || (isLeaf && (Int(row.level) < scheme.levels.count - 1) == wanted)
      case .pageSize(let size, let wanted):
        isTable ? couldHold(size, wanted, row, scheme) : isLeaf && (span(row, scheme) == size) == wanted
      case .kind(let kind, let wanted): isTable || (row.entryKind == kind) == wanted
      case .swapped(let wanted): isTable || (row.entryKind == .marked && isSwapped(row)) == wanted
      case .recursive(let wanted): row.recursionLevel >= 0 ? wanted : isTable || !wanted
      }
    }
  }

  private func span(_ row: TreeRow, _ scheme: PagingScheme) -> UInt64 { scheme.levels[Int(row.level)].span }

  /// Pages below a table are smaller than what one of its parent's entries covers.
  private func couldHold(_ size: UInt64, _ wanted: Bool, _ row: TreeRow, _ scheme: PagingScheme) -> Bool {
    !wanted || size < span(row, scheme)
  }
}
