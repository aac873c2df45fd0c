import PageTables

extension TableGraph {
  /// All tables, by node.
  public var tables: [TableReference] { (0..<count).map(table) }

  /// The leaves of each table itself, by node.
  public var leaves: [Int] { (0..<count).map { leaves(in: $0) } }

  /// How many roots reach each node.
  public func spacesReaching() -> [Int] { TableCounts(self).spaces.map { Int($0) } }
}
