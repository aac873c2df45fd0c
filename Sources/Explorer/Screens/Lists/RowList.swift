/// A list on the screen: what it holds, an order, a filter, a selection. All lists of the explorer are this one.
///
/// Sorting and filtering are done in slices: the first one at once, so that the screen is filled, the rest by
/// `proceed`.
struct RowList: Sendable {
  private(set) var content: ListContent
  /// The column that is sorted by, an index into the columns.
  private(set) var sortColumn: Int?
  private var sortName: String?
  private(set) var isReversed = false
  private(set) var filter = ListFilter("")
  /// All rows, sorted.
  private var sorted: [Int32]
  /// The rows that pass the filter, in order; among them, maybe, the one that stands for the background.
  private(set) var shown: [Int32]
  /// Whether the rows of the background are shown one by one.
  private(set) var showsBackground = false
  /// What stands in `shown` for the background.
  private static let backgroundRow: Int32 = -1
  /// An index in `shown`.
  var selection = 0 { didSet { wanted = nil } }
  /// The first row on the screen, an index in `shown`.
  var top = 0
  private var sorting: SlicedSort?
  private var filtering: Filtering?
  /// The row to select as soon as it comes up.
  private var wanted: Int?

  /// A filter that has not seen all rows yet.
  private struct Filtering: Sendable {
    var matcher: ListMatcher
    let candidates: [Int32]
    var next = 0
  }

  /// What one slice may cost; a comparison of two numbers is 1, and takes some 20 nanoseconds.
  private static let slice = 60_000

  init(_ content: ListContent) {
    self.content = content
    sorted = (0..<Int32(clamping: content.listed)).map { $0 }
    shown = []
    shown = withBackground(sorted)
  }

  /// The selected row of the content.
  var selectedRow: Int? { shown.indices.contains(selection) ? row(at: selection) : nil }

  /// The row of the content at a place in `shown`; nil where the one for the background stands.
  func row(at place: Int) -> Int? { shown[place] == Self.backgroundRow ? nil : Int(shown[place]) }

  /// Whether the row that stands for the background is selected.
  var isOnBackground: Bool { shown.indices.contains(selection) && row(at: selection) == nil }

  /// How many rows of the content are shown.
  var shownCount: Int { shown.count - (filter.isEmpty && content.background != nil && !isWorking ? 1 : 0) }

  /// Shows the rows of the background one by one, or as one row again.
  mutating func toggleBackground() {
    showsBackground.toggle()
    shown = withBackground(sorted)
    selection = shown.firstIndex(of: Self.backgroundRow) ?? 0
  }

  /// Rows in their order, with the background as one row, or below one.
  private func withBackground(_ rows: [Int32]) -> [Int32] {
    guard let background = content.background, filter.isEmpty else { return rows }
    let first = Int32(clamping: background.first)
    if !showsBackground { return rows.filter { $0 < first } + [Self.backgroundRow] }
    guard sortColumn == nil else { return rows + [Self.backgroundRow] }
    return Array(rows.prefix(background.first)) + [Self.backgroundRow] + rows.dropFirst(background.first)
  }

  /// The rows on the screen by their numbers in the content.
  var order: [Int] { shown.map(Int.init) }

  /// Whether slices are still to be done.
  var isWorking: Bool { sorting != nil || filtering != nil }

  /// Sorts by a column, sizes with the largest first; the same column again turns the order round.
  mutating func sort(by column: Int) {
    guard content.columns.indices.contains(column) else { return }
    isReversed = sortColumn == column ? !isReversed : content.columns[column].isLargestFirst
    sortColumn = column
    sortName = content.columns[column].name
    // Who sorts wants to see what comes first.
    selection = 0
    top = 0
    startSorting(keeping: nil)
  }

  mutating func setFilter(_ new: ListFilter) {
    guard new != filter else { return }
    let narrows = new.narrows(filter) && filtering == nil && !filter.isEmpty
    filter = new
    startFiltering(narrows ? shown : sorted, keeping: wanted ?? selectedRow)
  }

  /// Shows other rows in the same order and under the same filter.
  mutating func replace(_ new: ListContent, selecting row: Int?) {
    // A column that is not known now may come again.
    if let sortName { sortColumn = new.columns.firstIndex { $0.name == sortName } }
    content = new
    sorted = (0..<Int32(clamping: new.listed)).map { $0 }
    if sortColumn == nil {
      sorting = nil
      startFiltering(sorted, keeping: row)
    } else {
      shown = []
      startSorting(keeping: row)
    }
  }

  /// Moves the selection to a row of the content, now or when it comes up.
  mutating func select(row: Int) {
    if let place = shown.firstIndex(of: Int32(clamping: row)) { selection = place } else { wanted = row }
  }

  private mutating func startSorting(keeping row: Int?) {
    filtering = nil
    sorting = SlicedSort(count: content.listed)
    if let row { wanted = row }
    proceed()
  }

  private mutating func startFiltering(_ candidates: [Int32], keeping row: Int?) {
    if filter.isEmpty {
      filtering = nil
      shown = withBackground(candidates)
      choose(row, from: 0)
      if row != nil, wanted != nil { settleWanted() }
      return
    }
    shown = []
    selection = 0
    wanted = row
    filtering = Filtering(
      matcher: ListMatcher(filter, columns: content.columns), candidates: candidates)
    proceed()
  }

  /// Does one slice of what is left.
  mutating func proceed() {
    if sorting != nil {
      continueSorting()
    } else if filtering != nil {
      continueFiltering()
    }
  }

  private mutating func continueSorting() {
    guard let sortColumn, content.columns.indices.contains(sortColumn) else {
      sorting = nil
      return
    }
    let column = content.columns[sortColumn]
    let isReversed = isReversed
    // Equal ones stay in the order of listing, whichever way round.
    let isDone = sorting?.proceed(steps: Self.slice / column.cost) { left, right in
      if column.precedes(left, right) { return !isReversed }
      if column.precedes(right, left) { return isReversed }
      return left < right
    }
    guard isDone == true, let result = sorting?.result else { return }
    sorting = nil
    sorted = result
    startFiltering(sorted, keeping: wanted)
  }

  private mutating func continueFiltering() {
    guard var work = filtering else { return }
    filtering = nil
    let cost = max(1, content.columns.reduce(0) { $0 + $1.cost } * filter.words.count)
    let first = shown.count
    let end = min(work.candidates.count, work.next + max(64, Self.slice / cost))
    while work.next < end {
      let row = work.candidates[work.next]
      if work.matcher.matches(Int(row), content.columns) { shown.append(row) }
      work.next += 1
    }
    choose(wanted, from: first)
    if end < work.candidates.count { filtering = work } else { settleWanted() }
  }

  private mutating func choose(_ row: Int?, from first: Int) {
    guard let row else { return }
    wanted = row
    if let place = shown[first...].firstIndex(of: Int32(clamping: row)) { selection = place }
  }

  private mutating func settleWanted() {
    guard wanted != nil else { return }
    selection = min(selection, max(0, shown.count - 1))
  }

  /// Selects the next row that has all of a text's words, going round; looks at `limit` rows at most.
  ///
  /// - Returns: how many rows were looked at, and whether one was found.
  mutating func find(
    _ matcher: inout ListMatcher, from start: Int, forward: Bool, limit: Int
  ) -> (seen: Int, isFound: Bool) {
    let count = shown.count
    guard count > 0 else { return (0, false) }
    for step in 1...max(1, limit) {
      let place = ((start + (forward ? step : -step)) % count + count) % count
      if let row = row(at: place), matcher.matches(row, content.columns) {
        selection = place
        return (step, true)
      }
    }
    return (limit, false)
  }

  /// Keeps the selection inside the list and on a screen of so many rows.
  mutating func settle(height: Int) {
    let visible = max(1, height)
    let inside = max(0, min(selection, shown.count - 1))
    // A row that is still to come up must not be forgotten.
    if inside != selection, !isWorking { selection = inside }
    top = max(0, min(top, max(0, shown.count - visible)))
    if inside < top { top = inside }
    if inside >= top + visible { top = inside - visible + 1 }
  }
}
