import PageTables

/// Reads the kernel's maple trees (`include/linux/maple_tree.h`, `lib/maple_tree.c`), which map ranges of numbers
/// to pointers.
struct MapleTree {
  let reader: GuestMemoryReader
  private let root: Int
  /// The two shapes of inner nodes; a leaf has the shape of range nodes, or is dense.
  private let ranges: NodeShape
  private let allocations: NodeShape
  private let leafType: UInt64
  private let rangeType: UInt64
  private let allocationType: UInt64

  /// Where a node keeps the last numbers of its ranges, and the pointers for the ranges.
  private struct NodeShape {
    let pivots: Int
    let pivotCount: Int
    let slots: Int
    let slotCount: Int

    init(pivots: Int, slots: Int, slotCount: Int) {
      self.pivots = pivots
      pivotCount = slotCount - 1
      self.slots = slots
      self.slotCount = slotCount
    }

    init?(_ types: TypeInformation, _ name: String) {
      guard let pivots = types.member("pivot", of: name), let slots = types.member("slot", of: name),
        let pivotArray = types.array(pivots.type), let slotArray = types.array(slots.type),
        (1...256).contains(slotArray.count), (1...256).contains(pivotArray.count)
      else { return nil }
      self.pivots = pivots.offset
      pivotCount = pivotArray.count
      self.slots = slots.offset
      slotCount = slotArray.count
    }
  }

  /// The most nodes visited in a walk. The kernel keeps nodes at least half full: this many can hold twice the
  /// number of regions that it allows a process by default (65,530).
  static let nodeLimit = 1 << 14

  /// The nodes that a walk has visited, and how many more it may visit.
  private struct Visited {
    let limit: Int
    var nodes: Set<UInt64> = []

    mutating func insert(_ node: UInt64) -> Bool { nodes.count < limit && nodes.insert(node).inserted }
  }

  /// Sixteen ranges per node, 64-bit numbers.
  private static let depthLimit = 31

  /// Nil where the types do not contain this kind of tree.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    guard let root = types.offset(of: "ma_root", in: "maple_tree"),
      let ranges = NodeShape(types, "maple_range_64"), let allocations = NodeShape(types, "maple_arange_64"),
      let leaf = types.value(of: "maple_leaf_64", in: "maple_type"),
      let range = types.value(of: "maple_range_64", in: "maple_type"),
      let allocation = types.value(of: "maple_arange_64", in: "maple_type")
    else { return nil }
    self.reader = reader
    self.root = root
    self.ranges = ranges
    self.allocations = allocations
    leafType = UInt64(bitPattern: leaf)
    rangeType = UInt64(bitPattern: range)
    allocationType = UInt64(bitPattern: allocation)
  }

  /// Without type information: assumes nodes of 256 bytes that hold as many pointers as fit.
  init(inferredFor reader: GuestMemoryReader) {
    self.reader = reader
    root = 0
    let size = reader.pointerSize
    let (range, allocation) = size == 4 ? (32, 21) : (16, 10)
    ranges = NodeShape(pivots: size, slots: size * range, slotCount: range)
    allocations = NodeShape(pivots: size, slots: size * allocation, slotCount: allocation)
    (leafType, rangeType, allocationType) = (1, 2, 3)
  }

  /// A range of numbers, both ends inclusive, and the pointer stored for it.
  struct Entry: Hashable, Sendable {
    let first: UInt64
    let last: UInt64
    let pointer: UInt64
  }

  /// The pointers in the tree at an address, by ascending range; whatever cannot be read is left out.
  func pointers(at tree: UInt64) -> [UInt64] {
    guard let entry = reader.pointer(at: tree &+ UInt64(root)) else { return [] }
    // A tree with a single entry stores it in place of a node.
    guard entry & 3 == 2, entry > 4096 else { return entry & 3 == 0 && entry != 0 ? [entry] : [] }
    return entries(below: entry).map(\.pointer)
  }

  /// The entries below a root that is a node.
  ///
  /// - Parameter nodes: the most nodes to visit.
  func entries(below root: UInt64, nodes: Int = MapleTree.nodeLimit) -> [Entry] {
    var found: [Entry] = []
    var seen = Visited(limit: nodes)
    let last: UInt64 = reader.pointerSize == 4 ? 0xffff_ffff : .max
    visit(root, first: 0, last: last, depth: 0, &seen, &found)
    return found
  }

  /// The low byte of a node's pointer is not part of the address: bits 3 to 6 are the node's type.
  private func visit(
    _ encoded: UInt64, first: UInt64, last: UInt64, depth: Int, _ seen: inout Visited,
    _ found: inout [Entry]
  ) {
    let node = encoded & ~0xff
    let type = encoded >> 3 & 0xf
    guard depth < MapleTree.depthLimit, seen.insert(node) else {
      return
    }
    let shape: NodeShape
    switch type {
    case leafType, rangeType: shape = ranges
    case allocationType: shape = allocations
    default: return
    }
    let size = reader.pointerSize
    var first = first
    for slot in 0..<shape.slotCount {
      var pivot = last
      if slot < shape.pivotCount {
        guard let value = reader.pointer(at: node &+ UInt64(shape.pivots + slot * size)) else { return }
        // After the last used range, pivots are 0.
        pivot = value == 0 && slot > 0 ? last : value
      }
      guard let entry = reader.pointer(at: node &+ UInt64(shape.slots + slot * size)) else { return }
      if entry != 0 {
        if type != leafType {
          visit(entry, first: first, last: pivot, depth: depth + 1, &seen, &found)
        } else if entry & 3 == 0 {
          found.append(Entry(first: first, last: pivot, pointer: entry))
        }
      }
      if pivot >= last { return }
      first = pivot &+ 1
    }
  }
}
