import PageTables

/// Looks for the first page that is present between two addresses.
struct FirstPresentPage {
  enum Answer: Equatable {
    case page(VirtualAddress)
    case nothing
    /// More tables lie there than a key may wait for.
    case unknown
  }

  private let memory: any PhysicalMemory
  private let first: UInt64
  private let last: UInt64
  /// Tables that may still be read.
  private var budget = FirstPresentPage.tableLimit

  /// Some two milliseconds.
  private static let tableLimit = 1_000

  /// The first address from `first` through `last` that is mapped, in whatever page.
  static func look(
    in space: AddressSpace, from first: VirtualAddress, through last: VirtualAddress,
    memory: any PhysicalMemory
  ) -> Answer {
    var search = FirstPresentPage(memory: memory, first: first.value, last: last.value)
    for window in space.windows where window.first <= last && window.last >= first {
      let answer = search.visit(TableReference(address: window.root, level: 0), base: 0, in: window)
      if answer != .nothing { return answer }
    }
    return .nothing
  }

  private init(memory: any PhysicalMemory, first: UInt64, last: UInt64) {
    self.memory = memory
    self.first = first
    self.last = last
  }

  private mutating func visit(_ table: TableReference, base: UInt64, in window: AddressWindow) -> Answer {
    guard budget > 0 else { return .unknown }
    budget -= 1
    let scheme = window.scheme
    guard let runs = try? scheme.runs(of: table, in: memory, folded: false) else { return .nothing }
    let span = scheme.levels[table.level].span
    for run in runs where run.kind == .table || run.kind == .leaf {
      let offset = base &+ UInt64(run.slot) &* span
      let start = window.virtual(offset)
      guard start.value &+ (span &- 1) >= first, start.value <= last else { continue }
      if run.kind == .leaf { return .page(VirtualAddress(max(start.value, first))) }
      let below = visit(
        TableReference(address: run.address, level: table.level + 1), base: offset, in: window)
      if below != .nothing { return below }
    }
    return .nothing
  }
}
