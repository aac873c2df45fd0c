import PageTables

/// Neighbouring entries of one space that lead to what everybody has, with nothing of the space's own between them.
struct EverybodysStretch: Hashable, Sendable {
  /// The first address that the first of the entries translates.
  let first: VirtualAddress
  /// Bytes from there to the end of the last entry.
  var length: UInt64
  /// The table that holds the first entry, and its level.
  let holder: TableReference
  /// The first table that an entry leads to; nil where the entries are leaves.
  var table: TableReference?
  /// Tables that the entries point at, and those of them that map nothing.
  var tables = 0
  var emptyTables = 0
  /// Leaves of the root that everybody has.
  var leaves = 0

  /// How many things of everybody's the entries lead to.
  var count: Int { tables + leaves }
}

extension ExplorerIndex {
  /// What a space has of what everybody has, in ascending address.
  ///
  /// - Parameter memory: the memory that the index was made of.
  func everybodysStretches(
    in space: TreeSpace, spaceNumber: Int, _ memory: any PhysicalMemory
  ) -> [EverybodysStretch] {
    var search = EverybodysSearch(index: self, space: space, spaceNumber: spaceNumber, memory: memory)
    for (number, window) in space.found.space.windows.enumerated() { search.visit(window, number) }
    return search.found
  }
}

/// Goes through the tables of the kernel's half of one space that are not everybody's, down to those that are.
private struct EverybodysSearch {
  let index: ExplorerIndex
  /// The one that is gone through.
  private var window: AddressWindow
  private var windowNumber = 0
  let spaceNumber: Int
  let memory: any PhysicalMemory
  private(set) var found: [EverybodysStretch] = []
  /// Whether the next of everybody's entries goes on the last stretch.
  private var isContinued = false
  /// Tables that may still be read: in hostile memory very many are nobody else's.
  private var budget = 16

  init(index: ExplorerIndex, space: TreeSpace, spaceNumber: Int, memory: any PhysicalMemory) {
    self.index = index
    window = space.found.space.windows[0]
    self.spaceNumber = spaceNumber
    self.memory = memory
  }

  mutating func visit(_ window: AddressWindow, _ number: Int) {
    self.window = window
    windowNumber = number
    isContinued = false
    visit(TableReference(address: window.root, level: 0), base: 0)
  }

  private mutating func visit(_ table: TableReference, base: UInt64) {
    guard budget > 0, let runs = try? window.scheme.runs(of: table, in: memory) else { return }
    budget -= 1
    let level = window.scheme.levels[table.level]
    for run in runs where run.kind != .absent {
      for step in 0..<run.count {
        let start = base &+ UInt64(run.slot + step) &* level.span
        let address = run.address.advanced(by: UInt64(step) &* run.stride)
        visitEntry(run.kind, slot: run.slot + step, address, in: table, start, level.span)
      }
    }
  }

  private mutating func visitEntry(
    _ kind: EntryKind, slot: Int, _ address: PhysicalAddress, in holder: TableReference, _ start: UInt64,
    _ span: UInt64
  ) {
    let first = window.virtual(start)
    switch kind {
    case .table:
      let below = TableReference(address: address, level: holder.level + 1)
      if index.everybodys.contains(below, in: spaceNumber, window: windowNumber) {
        let isEmpty = index.everybodys.mapsNothing(below, in: spaceNumber, window: windowNumber)
        add(first, span, holder) {
          $0.tables += 1
          if isEmpty { $0.emptyTables += 1 }
          if $0.table == nil { $0.table = below }
        }
      } else if first >= window.scheme.usualKernelStart, address != window.root,
        holder.level + 1 < window.scheme.levels.count - 1
      {
        // Where the top of the kernel's half is every space's own, what all have lies below it.
        visit(below, base: start)
      } else {
        isContinued = false
      }
    case .leaf
    where holder.level == 0
      && index.everybodys.containsLeaf(
        slot: slot, mapping: address, in: spaceNumber, window: windowNumber):
      add(first, span, holder) { $0.leaves += 1 }
    case .leaf, .marked, .malformed, .absent: isContinued = false
    }
  }

  private mutating func add(
    _ first: VirtualAddress, _ span: UInt64, _ holder: TableReference,
    _ count: (inout EverybodysStretch) -> Void
  ) {
    if !isContinued || found.isEmpty {
      found.append(EverybodysStretch(first: first, length: 0, holder: holder))
    }
    isContinued = true
    found[found.count - 1].length = first.value &- found[found.count - 1].first.value &+ span
    count(&found[found.count - 1])
  }
}
