/// Finds the node for a table address at a level: an open-addressing hash table of node numbers, 4 bytes per cell.
///
/// The addresses themselves are stored with the nodes. The hash multiplier is random for each graph, so that no
/// dump can be crafted to make all tables collide.
struct TableLookup: Sendable {
  private static let empty = UInt32.max

  private var cells: [UInt32] = []
  private var shift: UInt64 = 0
  private var used = 0
  private let multiplier: UInt64

  init() {
    multiplier = UInt64.random(in: 0 ... .max) | 1
    resize(toBits: 8)
  }

  /// The node of `key`, or nil; `keys[node]` is the key of a node.
  @inline(__always)
  func node(for key: UInt64, in keys: [UInt64]) -> UInt32? {
    var cell = place(of: key)
    while cells[cell] != TableLookup.empty {
      if keys[Int(cells[cell])] == key { return cells[cell] }
      cell = (cell &+ 1) & (cells.count &- 1)
    }
    return nil
  }

  /// Adds a node that is not yet present; its key is the last of `keys`.
  mutating func add(_ node: UInt32, in keys: [UInt64]) {
    used &+= 1
    if used &* 2 > cells.count {
      resize(toBits: 64 &- shift &+ 1)
      for known in 0..<node { put(known, keys[Int(known)]) }
    }
    put(node, keys[Int(node)])
  }

  private mutating func put(_ node: UInt32, _ key: UInt64) {
    var cell = place(of: key)
    while cells[cell] != TableLookup.empty { cell = (cell &+ 1) & (cells.count &- 1) }
    cells[cell] = node
  }

  private mutating func resize(toBits bits: UInt64) {
    shift = 64 &- bits
    cells = [UInt32](repeating: TableLookup.empty, count: 1 << Int(bits))
  }

  @inline(__always)
  private func place(of key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* multiplier) &>> shift)
  }
}
