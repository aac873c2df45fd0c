import PageTables

/// A table as one paging scheme reads it, by the scheme's number.
struct SchemeTable: Hashable, Sendable {
  let scheme: Int
  let table: TableReference
}

/// What may hang at tables, and be said of all tables above them.
protocol HandedUp: Equatable {
  /// Nothing.
  init()
  mutating func formUnion(_ other: Self)
  func isSubset(of other: Self) -> Bool
}

/// All tables of an index, to hand what hangs at some of them up to all that lead there.
struct RollUp {
  let tables: [SchemeTable]
  private let index: SpaceIndex

  init(_ index: SpaceIndex, _ schemes: SchemeNumbers) {
    self.index = index
    var scheme = 0
    tables = index.tables.map { one in
      // They come scheme by scheme, each from its roots on; comparing schemes takes long.
      if one.table.level == 0 { scheme = schemes.number(of: one.scheme) }
      return SchemeTable(scheme: scheme, table: one.table)
    }
  }

  private struct Cancelled: Error {}

  /// What each table has itself and below it, in the order of `tables`; nil once cancelled.
  ///
  /// - Parameter isCancelled: asked once in a while.
  func handedUp<Value: HandedUp>(_ own: [SchemeTable: Value], isCancelled: () -> Bool) -> [Value]? {
    var values = tables.map { own[$0] ?? Value() }
    // One level a round: links come from the roots down.
    var isChanged = true
    while isChanged {
      isChanged = false
      var seen = 0
      do throws(Cancelled) {
        try index.forEachLink { link throws(Cancelled) in
          seen += 1
          if seen % 65_536 == 1, isCancelled() { throw Cancelled() }
          guard !values[link.child].isSubset(of: values[link.parent]) else { return }
          values[link.parent].formUnion(values[link.child])
          isChanged = true
        }
      } catch {
        return nil
      }
    }
    return values
  }
}
