import Canvas
import PageTables

/// What the detail says of leaves that belong together: where the run starts and how long it is, or why it is none.
extension Explorer {
  func contiguousLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    guard row.entryKind == .leaf else { return [] }
    let scheme = space.scheme(at: row.virtual)
    let level = scheme.levels[Int(row.level)]
    let table = TableReference(address: row.table, level: Int(row.level))
    guard
      let run = try? scheme.contiguousRun(around: Int(row.slot), of: table, in: memory)
    else { return [] }
    let length = level.entriesOfRun(row.raw)
    let size = ByteText.exact(level.span &* UInt64(length))
    let name = run.isOnePage ? "page" : "run"
    if let flaw = run.flaw {
      return [fact(name, "of \(length) entries, but not whole: " + text(flaw, of: length, size), .warning)]
    }
    let text =
      run.isOnePage
      ? "\(length) entries = \(size)" : "contiguous, \(length) x \(ByteText.exact(level.span)) = \(size)"
    let groups = row.groupLength > 1 ? Int(row.count / row.groupLength) : 1
    let start = scheme.continued(
      row.virtual.value &- UInt64(Int(row.slot) - run.slots.lowerBound) &* level.span)
    return [
      fact(name, text + (groups > 1 ? ", \(groups) of them" : "")),
      fact("\(name) from", Numbers.grouped(start, in: scheme)),
    ]
  }

  private func text(_ flaw: ContiguousRun.Flaw, of length: Int, _ size: String) -> String {
    switch flaw {
    case .exceedsTable: "the table has fewer"
    case .incomplete(let members): "\(members) of \(length) say so"
    case .attributes(let bits): "they differ in bits \(Numbers.hex(bits))"
    case .frames: "frames do not follow each other from a multiple of \(size)"
    }
  }
}
