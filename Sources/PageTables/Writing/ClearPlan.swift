/// Entries to be cleared in one space's tables, and tables to be freed: worked out before anything is
/// written.
struct ClearPlan {
  /// A table on the way to a page that is taken away.
  private struct Visited {
    let address: PhysicalAddress
    let level: Int
    /// The entry that led here; nil for the root.
    let parent: PhysicalAddress?
  }

  let space: AddressSpace
  let memory: any WritableMemory
  private let shapes: [PagingLevelShape]
  /// Addresses of the entries to clear, and their sizes.
  private var cleared: [PhysicalAddress: Int] = [:]
  private var visited: [TableReference: Visited] = [:]

  init(space: AddressSpace, memory: any WritableMemory) {
    self.space = space
    self.memory = memory
    shapes = space.scheme.levels.map(PagingLevelShape.init)
  }

  /// Plans to clear the page or the mark at an address; answers how many bytes that takes away.
  mutating func clear(_ address: VirtualAddress, atMost length: UInt64) throws(WritingError) -> UInt64 {
    let root = space.scheme.aligned(root: space.root)
    var table = Visited(address: root, level: 0, parent: nil)
    while true {
      let shape = shapes[table.level]
      let slot = space.scheme.levels[table.level].slot(of: address)
      let entry = table.address.advanced(by: UInt64(slot &* shape.entrySize))
      visited[TableReference(address: table.address, level: table.level)] = table
      let raw: UInt64
      do throws(MissingPage) {
        raw = try memory.read(at: entry, size: shape.entrySize)
      } catch {
        throw .missingTable(table.address, error)
      }
      let kind = shape.format.kind(of: raw)
      switch kind {
      case .table:
        table = Visited(
          address: shape.format.tableAddress.address(in: raw), level: table.level + 1, parent: entry)
      case .leaf, .marked:
        guard address.value & (shape.span - 1) == 0, shape.span <= length else {
          throw .cutsPage(address, pageSize: shape.span)
        }
        cleared[entry] = shape.entrySize
        return shape.span
      case .absent: throw .notMapped(address)
      case .malformed: throw .occupied(address, kind)
      }
    }
  }

  /// Clears the entries, and frees the tables that hold nothing else.
  func apply() throws(WritingError) {
    guard !cleared.isEmpty else { return }
    var cleared = cleared
    var freed: [Frame] = []
    let root = space.scheme.aligned(root: space.root)
    for table in visited.values.sorted(by: { ($0.level, $0.address) > ($1.level, $1.address) }) {
      guard let parent = table.parent, table.address.frame != root.frame else { continue }
      let size = space.scheme.levels[table.level].tableSize
      let frames = (0..<(size + Frame.size - 1) / Frame.size).map { Frame(table.address.frame.number &+ $0) }
      let isOurs = frames.allSatisfy { memory.isAllocated($0) && memory.holders(of: $0) == 1 }
      guard isOurs, !freed.contains(table.address.frame), isEmpty(table, cleared) else { continue }
      cleared[parent] = shapes[table.level - 1].entrySize
      freed += frames
    }
    do throws(MissingPage) {
      try memory.write(cleared.map { EntryWrite(0, size: $0.value, at: $0.key) })
    } catch {
      throw .missingTable(root, error)
    }
    memory.release(freed)
  }

  private func isEmpty(_ table: Visited, _ cleared: [PhysicalAddress: Int]) -> Bool {
    let shape = shapes[table.level]
    var isEmpty = true
    do throws(MissingPage) {
      try memory.withEntries(of: table.address, level: shape, slots: 0..<shape.entryCount) {
        page, offset, slots in
        for (index, slot) in slots.enumerated() {
          let raw = page.entry(at: offset + index * shape.entrySize, size: shape.entrySize)
          let address = table.address.advanced(by: UInt64(slot &* shape.entrySize))
          if raw != 0, cleared[address] == nil {
            isEmpty = false
            break
          }
        }
        return isEmpty
      }
    } catch {
      return false
    }
    return isEmpty
  }
}
