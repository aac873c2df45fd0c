import PageTables

extension TableGraph {
  /// All tables, by node.
  package var tables: [TableReference] { (0..<count).map(table) }

  /// The leaves of each table itself, by node.
  package var leaves: [Int] { (0..<count).map { leaves(in: $0) } }

  /// How many roots reach each node.
  package func spacesReaching() -> [Int] { TableCounts(self).spaces.map { Int($0) } }
}
