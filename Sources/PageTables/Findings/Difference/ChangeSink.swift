/// Receives what a walk over two moments finds. A generic parameter of the walk, so that no change costs a dynamic call.
protocol ChangeSink {
  /// Takes what is known of a pair of tables as a whole; false where the walk must go into it.
  mutating func take(_ kinds: ChangeKinds) -> Bool
  /// Returns whether to continue. `offset` is that of the first byte in the window.
  mutating func add(
    _ kind: ChangeKinds, _ old: ComparedPlace, _ new: ComparedPlace, offset: UInt64, length: UInt64,
    _ tables: TableComparison
  ) -> Bool
}

/// Keeps the kinds alone.
struct KindSink: ChangeSink {
  var kinds: ChangeKinds = []

  mutating func take(_ kinds: ChangeKinds) -> Bool {
    self.kinds.formUnion(kinds)
    return true
  }

  mutating func add(
    _ kind: ChangeKinds, _ old: ComparedPlace, _ new: ComparedPlace, offset: UInt64, length: UInt64,
    _ tables: TableComparison
  ) -> Bool {
    kinds.formUnion(kind)
    return true
  }
}

/// Joins changes into ranges.
struct ChangedRangeSink: ChangeSink {
  let window: AddressWindow
  let number: Int
  /// Where each moment's machine has memory: what a mark keeps elsewhere is no frame.
  let extents: (old: MemoryExtent, new: MemoryExtent)
  let body: (ChangedRange) -> Bool
  private var current: ChangedRange?

  init(
    window: AddressWindow, number: Int, extents: (old: MemoryExtent, new: MemoryExtent),
    body: @escaping (ChangedRange) -> Bool
  ) {
    self.window = window
    self.number = number
    self.extents = extents
    self.body = body
  }

  mutating func take(_ kinds: ChangeKinds) -> Bool { false }

  mutating func add(
    _ kind: ChangeKinds, _ old: ComparedPlace, _ new: ComparedPlace, offset: UInt64, length: UInt64,
    _ tables: TableComparison
  ) -> Bool {
    let virtual = window.virtual(offset)
    let range = ChangedRange(
      virtual: virtual, length: length, kind: kind,
      old: content(old, tables.oldScheme, extents.old, at: virtual),
      new: content(new, tables.newScheme, extents.new, at: virtual), window: number)
    if let before = current, before.kind == kind, before.end == range.virtual.value,
      range.old.continues(before.old, by: before.length, tables.levels),
      range.new.continues(before.new, by: before.length, tables.levels)
    {
      current?.length = before.length &+ length
      return true
    }
    let goesOn = flush()
    current = range
    return goesOn
  }

  /// Hands on the last range. Returns whether to continue.
  mutating func flush() -> Bool {
    guard let range = current else { return true }
    current = nil
    return body(range)
  }

  private func content(
    _ place: ComparedPlace, _ scheme: PagingScheme, _ extent: MemoryExtent, at address: VirtualAddress
  ) -> RangeContent {
    switch place {
    case .nothing, .table: return .nothing
    case .page(let page): return .page(page)
    case .mark(let raw, let level, let offset):
      let mark = scheme.mark(in: raw, level: level, at: address)
      let kept = mark?.address.flatMap { extent.hasMemory($0) ? $0.advanced(by: offset) : nil }
      return .mark(MarkedContent(level: level, raw: raw, name: mark?.name, physical: kept))
    }
  }
}

extension RangeContent {
  /// Whether it goes on where a range of `length` bytes ends that begins with `before`.
  fileprivate func continues(_ before: RangeContent, by length: UInt64, _ levels: [ComparedLevel]) -> Bool {
    switch (before, self) {
    case (.nothing, .nothing): true
    case (.page(let before), .page(let page)):
      before.level == page.level && before.rights == page.rights && before.pageSize == page.pageSize
        && before.physical.advanced(by: length) == page.physical
        && levels[page.level].areAlike(before.raw, page.raw)
    case (.mark(let before), .mark(let mark)):
      before.level == mark.level && before.name == mark.name
        && before.physical?.advanced(by: length) == mark.physical
    default: false
    }
  }
}
