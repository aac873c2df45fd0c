import Canvas
import PageTables

/// One column of a list: where its cells come from, by row. Cells are asked for when they are needed, so a list
/// of any length costs nothing until it is looked at.
struct ListColumn: Sendable {
  /// What the cells hold, and so how they are sorted and searched.
  enum Values: Sendable {
    /// Numbers that are searched by their hex digits.
    case addresses(@Sendable (Int) -> UInt64)
    /// Numbers that are searched as they are written; `.max` stands for none.
    case counts(@Sendable (Int) -> UInt64)
    /// Bytes, searched as `4K` or `2M`.
    case sizes(@Sendable (Int) -> UInt64)
    /// One of a few texts: each is searched once, however many rows have it.
    case names([String], @Sendable (Int) -> Int)
    case texts(@Sendable (Int) -> String)
  }

  /// How a cell looks.
  enum Look: Sendable {
    case role(Role)
    /// The color of the space with this number, the same everywhere.
    case owner(Int)
  }

  /// As `sort` takes it: one word.
  let name: String
  let title: String
  let isRight: Bool
  /// Whether sorting begins with the largest: of sizes, and of what is told to.
  let isLargestFirst: Bool
  let values: Values
  /// What a cell shows, where that is more than the value.
  private let text: (@Sendable (Int) -> String)?
  /// What it shows where there is too little room for all columns; nil where that is the same.
  let inShort: (@Sendable (Int) -> String)?
  let look: @Sendable (Int) -> Look

  init(
    _ name: String, title: String? = nil, isRight: Bool = false, isLargestFirst: Bool = false,
    _ values: Values,
    text: (@Sendable (Int) -> String)? = nil, inShort: (@Sendable (Int) -> String)? = nil,
    look: @escaping @Sendable (Int) -> Look = { _ in .role(.text) }
  ) {
    self.name = name
    self.title = title ?? name
    self.isRight = isRight
    if case .sizes = values { self.isLargestFirst = true } else { self.isLargestFirst = isLargestFirst }
    self.values = values
    self.inShort = inShort
    self.text = text
    self.look = look
  }

  /// What the cell of a row shows.
  func shown(_ row: Int) -> String {
    if let text { return text(row) }
    return switch values {
    case .addresses(let value): Numbers.hex(value(row))
    case .counts(let value): value(row) == .max ? "" : "\(value(row))"
    case .sizes(let value): ByteText.exact(value(row))
    case .names(let names, let index): names[index(row)]
    case .texts(let text): text(row)
    }
  }

  /// Cells below which a cut column is left out: of numbers, what is left must say something besides the sign.
  var leastWidth: Int { if case .addresses = values { 8 } else { 4 } }

  /// Whether one row comes before another one by this column alone.
  func precedes(_ left: Int, _ right: Int) -> Bool {
    switch values {
    case .addresses(let value), .counts(let value), .sizes(let value): value(left) < value(right)
    case .names(let names, let index):
      index(left) != index(right) && names[index(left)] < names[index(right)]
    case .texts(let text): text(left) < text(right)
    }
  }

  /// How much longer a cell takes to compare than a number.
  var cost: Int {
    switch values {
    case .addresses, .sizes, .names: 1
    case .counts: 2
    case .texts: 16
    }
  }
}

/// What a list shows: its columns, and where its rows lead. A row is a number from 0.
struct ListContent: Sendable {
  /// What the title line of the list says, before the number of rows.
  let title: String
  let columns: [ListColumn]
  let count: Int
  /// Where Enter goes; nil where a row leads nowhere.
  let target: @Sendable (Int) -> ListTarget?
  /// What stands there when there is no row at all.
  let emptyText: String
  /// What columns mean that need telling, for the title line: the first that there is room for.
  var remarks: [String] = []
  /// The space that a row is, in a list of spaces: a row is found again by it when spaces stand elsewhere.
  var space: (@Sendable (Int) -> SpaceID)?

  /// Rows that are one row until they are asked for: what says nothing in particular, or what is of one kind. By
  /// where they lie, and apart; rows in none of them come first.
  var folds: [Fold] = []

  /// Neighbouring rows, and the one row that stands for them, and above them when they are shown.
  struct Fold: Sendable {
    /// What they are, whatever their number: a list that is made anew shows them as before.
    let name: String
    let rows: Range<Int>
    /// What the one row says.
    let text: StyledLine
  }

  /// The fold that a row lies in, by number.
  func fold(of row: Int) -> Int? {
    let next = folds.partitioningIndex { $0.rows.lowerBound > row }
    return next > 0 && folds[next - 1].rows.contains(row) ? next - 1 : nil
  }

  /// Rows that are listed; of longer lists, which only hostile memory makes, the rest is left out and said so.
  static let limit = 2_000_000
  var listed: Int { min(count, Self.limit) }
}

/// Where a row of a list leads.
enum ListTarget: Hashable, Sendable {
  /// A space, opened.
  case space(Int)
  /// The entry that maps an address of a space, or where its walk stops.
  case address(space: Int, VirtualAddress)
  /// The entry of a table at a level.
  case entry(space: Int, VirtualAddress, level: Int)
}
