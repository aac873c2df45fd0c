/// Looks for the items that answer a query best, a slice at a time.
struct FinderSearch: Sendable {
  let query: FuzzyQuery
  private let items: FinderItems
  private var next = 0
  private var best: [(item: Int, score: Int)] = []

  /// Items that are shown at most: nobody reads further, but types another letter.
  static let limit = 500
  /// Letters that one slice looks at, and what an item costs besides.
  private static let slice = 200_000
  private static let itemCost = 8

  init(_ query: FuzzyQuery, in items: FinderItems) {
    self.query = query
    self.items = items
    // Without a question the first ones are as good as any.
    if query.isEmpty {
      best = (0..<min(items.count, Self.limit)).map { ($0, 0) }
      next = items.count
    }
  }

  var isDone: Bool { next == items.count }

  /// The items found so far, the best first.
  var found: [Int] { best.prefix(Self.limit).map(\.item) }

  /// Looks at one slice.
  mutating func proceed() {
    guard !isDone else { return }
    var budget = Self.slice
    while next < items.count, budget > 0 {
      let text = items.text(next)
      if let score = query.score(of: text) {
        best.append((next, score + items.kind(next).weight))
        if best.count == 4 * Self.limit { keepBest() }
      }
      budget -= (text.count + Self.itemCost) * max(query.wordCount, 1)
      next += 1
    }
    keepBest()
  }

  private mutating func keepBest() {
    let items = items
    func rank(_ found: (item: Int, score: Int)) -> (Int, Int, Int, Int) {
      (-found.score, items.kind(found.item).rawValue, items.text(found.item).count, found.item)
    }
    best.sort { rank($0) < rank($1) }
    best.removeSubrange(min(best.count, Self.limit)...)
  }
}
