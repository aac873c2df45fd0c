import PageTables

/// The regions of a process in kernels before 6.1: a list in ascending address, and a red-black tree of the same
/// regions (`include/linux/mm_types.h` and `rbtree.h` of those kernels).
struct RegionList {
  let reader: GuestMemoryReader
  /// The offset of the first region in `mm_struct`, and of the next region in each region.
  let first: Int
  let next: Int
  /// Known only with type information.
  private(set) var tree: Tree?

  /// The tree's root in `mm_struct`, its node in a region, and the two children in a node.
  struct Tree {
    let root: Int
    let node: Int
    let left: Int
    let right: Int
  }

  static let limit = 1 << 17

  init(_ reader: GuestMemoryReader, first: Int, next: Int) {
    self.reader = reader
    self.first = first
    self.next = next
  }

  /// Nil where the types do not contain such a list.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    guard let first = types.offset(of: "mmap", in: "mm_struct"),
      let next = types.offset(of: "vm_next", in: "vm_area_struct")
    else { return nil }
    self.init(reader, first: first, next: next)
    if let root = types.offset(of: "mm_rb.rb_node", in: "mm_struct"),
      let node = types.offset(of: "vm_rb", in: "vm_area_struct"),
      let left = types.offset(of: "rb_left", in: "rb_node"),
      let right = types.offset(of: "rb_right", in: "rb_node")
    {
      tree = Tree(root: root, node: node, left: left, right: right)
    }
  }

  /// The regions of the `mm_struct` at an address: those in the list, and where the list breaks off also those that
  /// only the tree contains.
  func regions(of mm: UInt64) -> [UInt64] {
    let chain = ListWalk.chain(
      from: reader.pointer(at: mm &+ UInt64(first)), link: next, reader: reader, limit: RegionList.limit)
    guard !chain.isEnded, let tree else { return chain.nodes }
    let listed = Set(chain.nodes)
    return chain.nodes + inTree(tree, of: mm).filter { !listed.contains($0) }
  }

  private func inTree(_ tree: Tree, of mm: UInt64) -> [UInt64] {
    var found: [UInt64] = []
    var seen: Set<UInt64> = []
    var left = [reader.pointer(at: mm &+ UInt64(tree.root)) ?? 0]
    while let node = left.popLast(), found.count < RegionList.limit {
      guard node != 0, seen.insert(node).inserted else { continue }
      for below in [tree.left, tree.right] {
        if let next = reader.pointer(at: node &+ UInt64(below)) { left.append(next) }
      }
      found.append(node &- UInt64(tree.node))
    }
    return found
  }
}
