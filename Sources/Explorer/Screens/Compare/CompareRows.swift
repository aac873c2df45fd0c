import PageTables

/// One row of a comparison: an address, and what two spaces have there.
struct CompareRow: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// An entry of a table, or neighbouring ones that compare alike.
    case entry
    /// What everybody has, on both sides.
    case everybodys(tables: Int)
  }

  enum Relation: Hashable, Sendable {
    case sameTable, sameFrames, different, onlyLeft, onlyRight
    /// What was read is the same, and not all was read.
    case unknown
  }

  let kind: Kind
  let indent: Int
  let level: Int
  let slot: Int
  var count = 1
  let virtual: VirtualAddress
  let relation: Relation
  let left: SubtreeComparison.Side
  let right: SubtreeComparison.Side
  let bytes: ComparedBytes
  /// Whether both have it in particular: the first rows.
  var isShare = false
  var isOpen = false

  var isOpenable: Bool { kind == .entry && (left.kind == .table || right.kind == .table) }
}

/// Two spaces side by side, on one spine of addresses, or one at two moments; branches are read when they are opened.
struct Comparison: Sendable {
  let left: SpaceID
  let right: SpaceID
  /// The moment that the left side is from; nil where both are from the one that is shown.
  let before: KeptMoment?
  private(set) var rows: [CompareRow] = []
  /// What both have in all, outside of what everybody has.
  private(set) var total = ComparedBytes()
  var selection = 0
  var top = 0
  /// The entries that are open, by level and address.
  private var open: Set<Place> = []

  private struct Place: Hashable { let level: Int; let virtual: VirtualAddress }

  /// Entries that one look may read: some four milliseconds.
  private static let budget = 60_000
  private static let rowLimit = 100_000

  init(left: SpaceID, right: SpaceID, before: KeptMoment? = nil) {
    self.left = left
    self.right = right
    self.before = before
  }

  var selected: CompareRow? { rows.indices.contains(selection) ? rows[selection] : nil }

  /// The selected row where it is open, or else the one that it lies below.
  var closableRow: Int? {
    guard let row = selected else { return nil }
    if row.isOpen { return selection }
    return rows[..<selection].lastIndex { $0.isOpen && $0.indent < row.indent }
  }

  /// Opens or closes the selected branch.
  mutating func toggle() {
    guard let row = selected, row.isOpenable else { return }
    let place = Place(level: row.level, virtual: row.virtual)
    if open.remove(place) == nil { open.insert(place) }
  }

  /// Reads what is open anew. The particular shares come first, then all by address.
  ///
  /// - Parameters:
  ///   - left: the left space, at its moment.
  ///   - right: the right one, now.
  mutating func build(
    _ left: AddressSpace, _ right: AddressSpace, numbers: (left: Int, right: Int), _ index: ExplorerIndex?,
    _ memory: any PhysicalMemory
  ) {
    var budget = Self.budget
    rows = []
    total = ComparedBytes()
    for share in before == nil ? index?.shares ?? [] : [] {
      guard rows.count < Self.rowLimit,
        let one = share.places.first(where: { $0.spaceNumber == numbers.left }),
        share.places.contains(where: { $0.spaceNumber == numbers.right })
      else { continue }
      let level = share.table.level - 1
      guard level >= 0 else { continue }
      let side = SubtreeComparison.Side(kind: .table, raw: 0, address: share.table.address)
      var row = CompareRow(
        kind: .entry, indent: 0, level: level,
        slot: left.scheme(at: one.virtual).levels[level].slot(of: one.virtual),
        virtual: one.virtual, relation: .sameTable, left: side, right: side, bytes: ComparedBytes())
      row.isShare = true
      rows.append(row)
    }
    for (window, one, other) in Self.windows(left, right) {
      var look = SubtreeComparison(
        window: window, left: before?.memory ?? memory, right: memory, isOneMoment: before == nil,
        budget: budget)
      func side(_ window: AddressWindow?) -> SubtreeComparison.Side {
        window.map { SubtreeComparison.Side(kind: .table, address: $0.root) } ?? SubtreeComparison.Side()
      }
      append(
        side(one), side(other), level: 0, indent: 0, base: window.first,
        numbers.left, index, &look)
      budget = look.budget
    }
    selection = min(selection, max(0, rows.count - 1))
  }

  /// The windows of both spaces by address; where both have one that is read alike, it is one for both.
  private static func windows(
    _ left: AddressSpace, _ right: AddressSpace
  ) -> [(window: AddressWindow, left: AddressWindow?, right: AddressWindow?)] {
    func isPair(_ one: AddressWindow, _ other: AddressWindow) -> Bool {
      one.first == other.first && one.scheme.readsAs(other.scheme)
    }
    var result: [(window: AddressWindow, left: AddressWindow?, right: AddressWindow?)] = left.windows.map {
      window in (window, window, right.windows.first { isPair(window, $0) })
    }
    result += right.windows.filter { window in !left.windows.contains { isPair($0, window) } }.map {
      ($0, nil, $0)
    }
    return result.sorted { $0.window.first < $1.window.first }
  }

  private mutating func append(
    _ left: SubtreeComparison.Side, _ right: SubtreeComparison.Side, level: Int, indent: Int,
    base: VirtualAddress, _ leftNumber: Int, _ index: ExplorerIndex?, _ look: inout SubtreeComparison
  ) {
    let shape = look.scheme.levels[level]
    let lefts = left.kind == .table ? look.sides(of: left.address, level: level, in: look.left) : [:]
    let rights =
      right.kind == .table
      ? (look.isOneMoment && right.address == left.address && left.kind == .table
        ? lefts : look.sides(of: right.address, level: level, in: look.right)) : [:]
    let slots = Set(lefts.keys).union(rights.keys).sorted()
    for (number, slot) in slots.enumerated() where rows.count < Self.rowLimit {
      let (one, other) = (lefts[slot] ?? .init(), rights[slot] ?? .init())
      guard one.isPresent || other.isPresent else { continue }
      let virtual = look.scheme.continued(base.value &+ UInt64(slot) &* shape.span)
      if one.kind == .table, one.address == other.address, let index,
        index.everybodys.contains(
          TableReference(address: one.address, level: level + 1), in: leftNumber,
          window: index.spaces.spaces[leftNumber].windowOrLowest(of: virtual))
      {
        appendEverybodys(one, slot, virtual, level: level, indent: indent)
        continue
      }
      let bytes = look.compare(one, other, level: level, sharingWith: slots.count - number - 1)
      if indent == 0 { total.add(bytes) }
      let row = CompareRow(
        kind: .entry, indent: indent, level: level, slot: slot, virtual: virtual,
        relation: relation(one, other, bytes), left: one, right: other, bytes: bytes)
      if foldIntoLast(row, span: shape.span) { continue }
      rows.append(row)
      guard row.isOpenable, open.contains(Place(level: level, virtual: virtual)) else { continue }
      rows[rows.count - 1].isOpen = true
      append(
        one, other, level: level + 1, indent: indent + 1, base: virtual, leftNumber, index, &look)
    }
  }

  private mutating func appendEverybodys(
    _ side: SubtreeComparison.Side, _ slot: Int, _ virtual: VirtualAddress, level: Int, indent: Int
  ) {
    if let last = rows.last, case .everybodys(let tables) = last.kind, last.indent == indent {
      rows[rows.count - 1] = CompareRow(
        kind: .everybodys(tables: tables + 1), indent: indent, level: level, slot: last.slot,
        count: slot - last.slot + 1, virtual: last.virtual, relation: .sameTable, left: last.left,
        right: last.right, bytes: last.bytes)
    } else {
      rows.append(
        CompareRow(
          kind: .everybodys(tables: 1), indent: indent, level: level, slot: slot, virtual: virtual,
          relation: .sameTable, left: side, right: side, bytes: ComparedBytes()))
    }
  }

  /// Pages that compare alike and lie side by side on both sides are one row.
  private mutating func foldIntoLast(_ row: CompareRow, span: UInt64) -> Bool {
    guard let last = rows.last, last.kind == .entry, !last.isShare, !row.isOpenable, !last.isOpenable,
      last.level == row.level, last.indent == row.indent, last.relation == row.relation,
      last.slot + last.count == row.slot
    else { return false }
    func continues(_ one: SubtreeComparison.Side, _ next: SubtreeComparison.Side) -> Bool {
      one.kind == next.kind
        && (one.kind != .leaf || one.address.advanced(by: span &* UInt64(last.count)) == next.address)
    }
    guard continues(last.left, row.left), continues(last.right, row.right) else { return false }
    rows[rows.count - 1].count += 1
    return true
  }

  private func relation(
    _ left: SubtreeComparison.Side, _ right: SubtreeComparison.Side, _ bytes: ComparedBytes
  ) -> CompareRow.Relation {
    if !right.isPresent { return .onlyLeft }
    if !left.isPresent { return .onlyRight }
    if left.kind == .table, left.kind == right.kind, left.address == right.address,
      before == nil || bytes.isSame
    {
      return .sameTable
    }
    if bytes.isSame { return .sameFrames }
    return bytes.isCut && bytes.different == 0 && bytes.onlyLeft == 0 && bytes.onlyRight == 0
      ? .unknown : .different
  }
}
