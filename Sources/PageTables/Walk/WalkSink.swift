/// Receives the leaves of a walk. A generic parameter of the walk, so that no leaf costs a dynamic call.
protocol WalkSink {
  /// Returns whether to continue.
  mutating func addLeaf(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool
  /// The table that mapped `start ..< end` is repeated from `end` on. Returns whether to continue, or nil if the
  /// sink cannot add it in one step, so that the table must be walked again.
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool?
  /// Returns whether to continue.
  mutating func addMark(_ mark: Mark) -> Bool
  /// Whether the sink uses marks; if so, a table that holds only marks must be walked each time.
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
