/// Where a walk puts its leaves. A generic parameter of the walk, so that a leaf costs no dynamic call.
protocol WalkSink {
  /// Answers whether to go on.
  mutating func addLeaf(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool
  /// The table that mapped `start ..< end` comes once more behind `end`. Answers whether to go on, or nil where
  /// that cannot be told in one go, and the table must be walked again.
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool?
  /// Answers whether to go on.
  mutating func addMark(_ mark: Mark) -> Bool
  /// Whether marks matter to it, so that a table that holds nothing else must be walked each time.
  static var takesMarks: Bool { get }
}

extension WalkSink {
  static var takesMarks: Bool { false }
  mutating func addMark(_ mark: Mark) -> Bool { true }
}

struct LeafSink: WalkSink {
  let body: (Leaf) -> Bool

  mutating func addLeaf(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool { body(leaf) }
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool? { nil }
}

struct MarkSink: WalkSink {
  let leaf: (Leaf) -> Bool
  let mark: (Mark) -> Bool

  static var takesMarks: Bool { true }
  mutating func addLeaf(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool { self.leaf(leaf) }
  mutating func addMark(_ mark: Mark) -> Bool { self.mark(mark) }
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool? { nil }
}
