/// Pairs of tables that were compared, and what was found below each: an open-addressing hash table.
///
/// As in `TableLookup`, the hash's multipliers are random, so that no dump can be crafted to make all pairs collide.
struct TablePairs {
  /// Stands for the table that one of the moments does not have; no table has this address.
  static let none = UInt64.max
  private static let empty = UInt32.max

  private var olds: [UInt64] = []
  private var news: [UInt64] = []
  private var kinds: [ChangeKinds] = []
  private var cells = [UInt32](repeating: TablePairs.empty, count: 256)
  private var shift: UInt64 = 56
  private let multipliers: (UInt64, UInt64) = (
    UInt64.random(in: 0 ... .max) | 1, UInt64.random(in: 0 ... .max) | 1
  )

  var count: Int { olds.count }

  /// What differs below a pair; nil where it was not compared.
  ///
  /// - Parameters: the addresses of the tables, or `none`.
  @inline(__always)
  func kinds(_ old: UInt64, _ new: UInt64, level: Int) -> ChangeKinds? {
    let (old, new) = TablePairs.keys(old, new, level)
    var cell = place(old, new)
    while cells[cell] != TablePairs.empty {
      let pair = Int(cells[cell])
      if olds[pair] == old, news[pair] == new { return kinds[pair] }
      cell = (cell &+ 1) & (cells.count &- 1)
    }
    return nil
  }

  /// Adds a pair that is not there yet.
  mutating func add(_ old: UInt64, _ new: UInt64, level: Int, _ found: ChangeKinds) {
    let (old, new) = TablePairs.keys(old, new, level)
    if (olds.count &+ 1) &* 2 > cells.count { grow() }
    put(UInt32(truncatingIfNeeded: olds.count), old, new)
    olds.append(old)
    news.append(new)
    kinds.append(found)
  }

  /// The level stands in the low bits, which are 0 in the address of a table, and 1 in `none`.
  @inline(__always)
  private static func keys(_ old: UInt64, _ new: UInt64, _ level: Int) -> (UInt64, UInt64) {
    (old | UInt64(level), new | UInt64(level))
  }

  private mutating func grow() {
    shift &-= 1
    cells = [UInt32](repeating: TablePairs.empty, count: cells.count * 2)
    for pair in olds.indices { put(UInt32(truncatingIfNeeded: pair), olds[pair], news[pair]) }
  }

  private mutating func put(_ pair: UInt32, _ old: UInt64, _ new: UInt64) {
    var cell = place(old, new)
    while cells[cell] != TablePairs.empty { cell = (cell &+ 1) & (cells.count &- 1) }
    cells[cell] = pair
  }

  @inline(__always)
  private func place(_ old: UInt64, _ new: UInt64) -> Int {
    let mixed = (old &* multipliers.0) ^ ((new &* multipliers.1) &>> 7)
    return Int(truncatingIfNeeded: (mixed &* multipliers.1) &>> shift)
  }
}
