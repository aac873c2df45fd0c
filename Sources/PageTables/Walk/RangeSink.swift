/// Joins leaves into ranges.
struct RangeSink: WalkSink {
  let rule: MergeRule
  let firstAddress: VirtualAddress?
  let lastAddress: VirtualAddress?
  let body: (MappedRange) -> Bool
  var current: MappedRange?
  var attributes: UInt64 = 0
  /// A run of consecutive leaves that are identical in all bits: its start and its end.
  private var same: (start: UInt64, end: UInt64, raw: UInt64) = (0, 0, 0)

  init(
    rule: MergeRule, firstAddress: VirtualAddress?, lastAddress: VirtualAddress?,
    body: @escaping (MappedRange) -> Bool
  ) {
    self.rule = rule
    self.firstAddress = firstAddress
    self.lastAddress = lastAddress
    self.body = body
  }

  @inline(__always)
  mutating func addLeaf(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool {
    let leafAttributes = leaf.raw & shape.leafAttributes
    if let range = current, range.level == leaf.level, attributes == leafAttributes,
      range.rights == leaf.rights, range.end == leaf.virtual.value,
      rule == .virtualOnly
        || (range.physical.value &+ range.length == leaf.physical.value && !range.isOneFrame)
    {
      current?.length = range.length &+ shape.span
      return true
    }
    let follows =
      current.map { $0.level == leaf.level && $0.rights == leaf.rights && $0.end == leaf.virtual.value }
      ?? false
    if !follows || same.raw != leaf.raw || same.end != leaf.virtual.value {
      same = (leaf.virtual.value, leaf.virtual.value, leaf.raw)
    }
    same.end = leaf.virtual.value &+ shape.span
    let goesOn = flush()
    attributes = leafAttributes
    current = MappedRange(
      virtual: leaf.virtual, physical: leaf.physical, length: shape.span, level: leaf.level, raw: leaf.raw,
      rights: leaf.rights, window: leaf.window)
    return goesOn
  }

  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool? {
    guard let range = current, range.end == end else { return nil }
    if rule == .virtualOnly {
      // The current range covers all of the table, so another copy of the table continues it.
      guard end &- range.virtual.value >= end &- start else { return nil }
      current?.length = range.length &+ length
      return true
    }
    guard same.end == end, end &- same.start >= end &- start else { return nil }
    same.end = end &+ length
    if range.isOneFrame {
      current?.length = range.length &+ length
      return true
    }
    let goesOn = flush()
    current = MappedRange(
      virtual: VirtualAddress(end), physical: range.physical, length: length, level: range.level,
      raw: range.raw, rights: range.rights, window: range.window, isOneFrame: true)
    return goesOn
  }

  mutating func flush() -> Bool {
    guard var range = current else { return true }
    current = nil
    if let last = lastAddress, range.end &- 1 > last.value {
      range.length = last.value &- range.virtual.value &+ 1
    }
    if let first = firstAddress, range.virtual < first {
      let cut = first.value &- range.virtual.value
      range.virtual = first
      if !range.isOneFrame { range.physical = range.physical.advanced(by: cut) }
      range.length = range.length &- cut
    }
    return body(range)
  }

  mutating func finish() { _ = flush() }
}
