import PageTables

/// How a root points at itself.
struct SelfReference {
  /// The slots that point back at the root, through which a kernel accesses its tables.
  private(set) var slots: Set<Int> = []
  /// Whether the entries next to such a slot lead to the frames next to the root's. That is never so in a root, but
  /// in a table of a linear map that happens to map itself.
  private(set) var isLinear = false

  /// How many entries are compared on each side. A small kernel may well have its first tables right after its
  /// root, and one or two of them next to the slot that points back.
  private static let reach = 3

  init(_ entries: [UInt64], of root: PhysicalAddress, _ shape: RootShape) {
    func target(_ slot: Int) -> PhysicalAddress? {
      guard entries.indices.contains(slot), shape.format.kind(of: entries[slot]) == .table else { return nil }
      return shape.format.tableAddress.address(in: entries[slot])
    }
    for slot in entries.indices where target(slot) == root {
      let neighbours = (-SelfReference.reach...SelfReference.reach).count { step in
        step != 0 && target(slot + step)?.value == root.value &+ UInt64(bitPattern: Int64(step)) &* Frame.size
      }
      if neighbours >= SelfReference.reach { isLinear = true } else { slots.insert(slot) }
    }
  }

  /// For a space's root; no slots where it cannot be read.
  init(_ space: AddressSpace, in memory: any PhysicalMemory) {
    let shape = RootShape(space.scheme)
    self.init(shape.entries(at: space.root, in: memory) ?? [], of: space.root, shape)
  }
}
