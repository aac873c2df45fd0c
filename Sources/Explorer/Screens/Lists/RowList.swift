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
  /// The rows that pass the filter, in order; among them, as negative numbers, those that stand for folds.
  private(set) var shown: [Int32]
  /// How many of them stand for folds.
  private var shownFolds = 0
  /// The names of the folds whose rows are shown one by one.
  private(set) var openFolds: Set<String> = []
  /// Rows that a search goes through, those of closed folds among them; nil where it goes through what is shown.
  private var searched: [Int32]?
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
    show(sorted)
  }

  /// The selected row of the content.
  var selectedRow: Int? { shown.indices.contains(selection) ? row(at: selection) : nil }

  /// The row of the content at a place in `shown`; nil where one stands for a fold.
  func row(at place: Int) -> Int? { shown[place] < 0 ? nil : Int(shown[place]) }

  /// The fold that the row at a place in `shown` stands for, by number; nil where it is a row of the content.
  func fold(at place: Int) -> Int? { shown.indices.contains(place) ? Self.fold(shown[place]) : nil }

  /// The fold whose row is selected, by number.
  var selectedFold: Int? { fold(at: selection) }

  /// How many rows of the content are shown.
  var shownCount: Int { shown.count - shownFolds }

  /// What stands in `shown` for a fold.
  private static func standIn(_ fold: Int) -> Int32 { -1 - Int32(clamping: fold) }

  private static func fold(_ standIn: Int32) -> Int? { standIn < 0 ? -1 - Int(standIn) : nil }

  func isOpen(fold: Int) -> Bool { openFolds.contains(content.folds[fold].name) }

  /// Shows the rows of a fold one by one, or as one row again.
  mutating func toggle(fold: Int) {
    let name = content.folds[fold].name
    if openFolds.remove(name) == nil { openFolds.insert(name) }
    show(sorted)
    selection = 0
    select(fold: fold)
  }

  /// Shows the rows of these folds one by one, and of no others, as before a search that opened some.
  mutating func show(openFolds names: Set<String>) {
    guard names != openFolds else { return }
    openFolds = names
    if shownFolds > 0 { show(sorted) }
  }

  /// The fold that the selected row stands for, or is one of, by number.
  var foldAround: Int? {
    guard shownFolds > 0 else { return nil }
    return selectedFold ?? selectedRow.flatMap { content.fold(of: $0) }
  }

  /// Selects the row that stands for a fold.
  mutating func select(fold: Int) {
    if let place = shown.firstIndex(of: Self.standIn(fold)) { selection = place }
  }

  /// Shows rows, with the folds among them.
  private mutating func show(_ rows: [Int32]) {
    searched = nil
    guard !content.folds.isEmpty, filter.isEmpty else {
      shown = rows
      shownFolds = 0
      return
    }
    shown = arranged(rows, isOpen: isOpen)
    shownFolds = content.folds.count
  }

  /// Rows in their order, those of a fold below the one that stands for it, or left out. In a list that is sorted,
  /// folds come in the order of their first rows.
  private func arranged(_ rows: [Int32], isOpen: (Int) -> Bool) -> [Int32] {
    var free: [Int32] = []
    var members = Array(repeating: [Int32](), count: content.folds.count)
    var order: [Int] = []
    if sortColumn == nil {
      // Neighbours are still neighbours, and are taken all at once.
      var next = 0
      for (fold, range) in content.folds.map({ $0.rows.clamped(to: rows.indices) }).enumerated() {
        free += rows[next..<range.lowerBound]
        if isOpen(fold) { members[fold] = Array(rows[range]) }
        next = range.upperBound
      }
      free += rows[next...]
      order = Array(content.folds.indices)
    } else {
      let opened = content.folds.indices.map(isOpen)
      var isKnown = Array(repeating: false, count: content.folds.count)
      for row in rows {
        guard let fold = content.fold(of: Int(row)) else {
          free.append(row)
          continue
        }
        if !isKnown[fold] {
          isKnown[fold] = true
          order.append(fold)
        }
        if opened[fold] { members[fold].append(row) }
      }
      order += content.folds.indices.filter { !isKnown[$0] }
    }
    for fold in order {
      free.append(Self.standIn(fold))
      free += members[fold]
    }
    return free
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
    let narrows = new.narrows(filter, content.columns) && filtering == nil && !filter.isEmpty
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
      show([])
      startSorting(keeping: row)
    }
  }

  /// Moves the selection to a row of the content, now or when it comes up.
  mutating func select(row: Int) {
    if let place = place(of: row) { selection = place } else { wanted = row }
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
      show(candidates)
      choose(row, from: 0)
      if row != nil, wanted != nil { settleWanted() }
      return
    }
    show([])
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
    if let place = place(of: row, from: first) { selection = place }
  }

  /// Where a row is shown, or the one that stands for its fold.
  private func place(of row: Int, from first: Int = 0) -> Int? {
    let rest = shown[first...]
    if let place = rest.firstIndex(of: Int32(clamping: row)) { return place }
    guard shownFolds > 0, let fold = content.fold(of: row) else { return nil }
    return rest.firstIndex(of: Self.standIn(fold))
  }

  private mutating func settleWanted() {
    guard wanted != nil else { return }
    selection = min(selection, max(0, shown.count - 1))
  }

  /// Prepares to look through all rows, also those of folds that are closed, and gives the place to begin after.
  mutating func beginSearch() -> Int {
    searched = nil
    guard shownFolds > 0, content.folds.indices.contains(where: { !isOpen(fold: $0) }) else {
      return selection
    }
    let all = arranged(sorted) { _ in true }
    searched = all
    guard shown.indices.contains(selection) else { return 0 }
    return all.firstIndex(of: shown[selection]) ?? 0
  }

  /// How many rows a search goes through.
  var searchedCount: Int { searched?.count ?? shown.count }

  /// Selects the next row that has all of a text's words, going round; looks at `limit` rows at most. A fold that it
  /// is in opens.
  ///
  /// - Returns: how many rows were looked at, and whether one was found.
  mutating func find(
    _ matcher: inout ListMatcher, from start: Int, forward: Bool, limit: Int
  ) -> (seen: Int, isFound: Bool) {
    let rows = searched ?? shown
    let count = rows.count
    guard count > 0 else { return (0, false) }
    for step in 1...max(1, limit) {
      let place = ((start + (forward ? step : -step)) % count + count) % count
      guard rows[place] >= 0, matcher.matches(Int(rows[place]), content.columns) else { continue }
      if searched != nil { reveal(Int(rows[place])) } else { selection = place }
      return (step, true)
    }
    return (limit, false)
  }

  /// Selects a row of the content, and opens its fold.
  private mutating func reveal(_ row: Int) {
    if let fold = content.fold(of: row), openFolds.insert(content.folds[fold].name).inserted { show(sorted) }
    selection = place(of: row) ?? 0
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
