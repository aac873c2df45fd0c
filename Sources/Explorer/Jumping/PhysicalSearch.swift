import PageTables

/// Finds who maps a physical address in one space, table by table.
///
/// Each table is read once, however many entries point at it, so the search ends in any memory. Tables are gone
/// through in ascending virtual addresses: the first mapping found is the lowest, for a table that was seen
/// before held none.
package struct PhysicalSearch {
  private let target: PhysicalAddress
  private let memory: any PhysicalMemory
  private var seen: Set<TableReference> = []

  /// The lowest virtual address that maps `target`; nil when there is none or the search was cancelled.
  ///
  /// - Parameter isCancelled: asked before each table is read.
  package static func first(
    mapping target: PhysicalAddress, in space: AddressSpace, memory: any PhysicalMemory,
    isCancelled: () -> Bool = { false }
  ) -> VirtualAddress? {
    var search = PhysicalSearch(target: target, memory: memory)
    for window in space.windows {
      let root = TableReference(address: window.root, level: 0)
      if let found = search.visit(root, base: 0, in: window, isCancelled) { return found }
      // Another window may read the same tables by another scheme.
      search.seen = []
    }
    return nil
  }

  private mutating func visit(
    _ table: TableReference, base: UInt64, in window: AddressWindow, _ isCancelled: () -> Bool
  ) -> VirtualAddress? {
    guard !isCancelled(), seen.insert(table).inserted else { return nil }
    let scheme = window.scheme
    guard let runs = try? scheme.runs(of: table, in: memory) else { return nil }
    let span = scheme.levels[table.level].span
    for run in runs {
      let start = base &+ UInt64(run.slot) &* span
      if run.kind == .table {
        let below = TableReference(address: run.address, level: table.level + 1)
        if let found = visit(below, base: start, in: window, isCancelled) { return found }
      } else if run.kind == .leaf {
        let distance = target.value &- run.address.value
        let length = run.stride == 0 ? span : span &* UInt64(run.count)
        if distance < length { return window.virtual(start).advanced(by: distance) }
      }
    }
    return nil
  }
}
