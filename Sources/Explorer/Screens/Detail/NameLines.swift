import Canvas
import Guests
import PageTables

/// What the detail side says by the guest's names.
extension Explorer {
  /// Regions below a table that are named, and processes and threads of a space.
  private static let regionLimit = 4
  private static let processLimit = 40

  /// What the guest calls the addresses of an entry.
  func nameLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    guard let names = guest[space.id] else { return [] }
    let address = virtualAddress(of: row)
    if row.entryKind == .leaf, address != row.virtual, let region = names.addresses.region(at: address) {
      return regionLines(region, at: address, names, space.scheme(at: row.virtual)) + symbolLines(row, names)
    }
    let span = space.scheme(at: row.virtual).levels[Int(row.level)].span
    let last = VirtualAddress(row.virtual.value &+ (span &* UInt64(row.count) &- 1))
    guard let found = names.regions(from: row.virtual, through: last) else { return symbolLines(row, names) }
    let isWhole = found.others == 0 && found.first.first <= row.virtual && found.first.last >= last
    if isWhole || row.entryKind != .table {
      return regionLines(found.first, at: row.virtual, names, space.scheme(at: row.virtual))
        + (found.others > 0 ? [fact("", "and \(found.others) more in this row", .dim)] : [])
        + symbolLines(row, names)
    }
    var lines: [StyledLine] = []
    let others = names.addresses.regions(
      startingBehind: max(row.virtual, found.first.first), through: last, limit: Self.regionLimit - 1)
    for region in [found.first] + others {
      lines.append(
        fact(lines.isEmpty ? "holds" : "", region.title(fitting: 200))
          .linked(to: .target(.address(space: Int(row.space), region.first))))
    }
    if found.others >= Self.regionLimit {
      lines.append(
        fact("", "and \(found.others + 1 - Self.regionLimit) more; R lists them", .dim)
          .linked(to: .regions(space: Int(row.space), row.virtual)))
    }
    return lines
  }

  private func regionLines(
    _ region: NamedRegion, at address: VirtualAddress, _ names: SpaceNames, _ scheme: PagingScheme
  ) -> [StyledLine] {
    let spaceNumber = selectedRow.map { Int($0.space) } ?? 0
    var lines = [
      fact("region", region.title(fitting: 200)).linked(to: .regions(space: spaceNumber, address))
    ]
    lines.append(
      fact("from", "\(Numbers.grouped(region.first, in: scheme)), \(ByteText.rounded(region.length))"))
    if let permissions = region.permissions { lines.append(fact("prot", permissions)) }
    if let fileOffset = region.fileOffset {
      let inside = address > region.first ? address.value &- region.first.value : 0
      lines.append(fact("file at", Numbers.hex(fileOffset &+ inside)))
    }
    if let contents = names.contents(of: region), contents.isComplete {
      let absent = contents.absent(of: region.length)
      var text = contents.present == 0 ? "nothing present" : "\(ByteText.rounded(contents.present)) present"
      if contents.present > 0, absent > 0 { text += ", \(ByteText.rounded(absent)) absent" }
      if contents.swapped > 0 { text += ", \(ByteText.rounded(contents.swapped)) swapped" }
      if contents.marked > 0 { text += ", \(ByteText.rounded(contents.marked)) marked" }
      lines.append(fact("of it", text))
    }
    return lines
  }

  private func symbolLines(_ row: TreeRow, _ names: SpaceNames) -> [StyledLine] {
    guard row.entryKind != .table, let symbol = names.symbol(at: virtualAddress(of: row)) else { return [] }
    let line = fact("symbol", symbol.title + (symbol.module.map { " [\(CellText.visible($0))]" } ?? ""))
    guard symbol.offset > 0 else { return [line] }
    let start = VirtualAddress(virtualAddress(of: row).value &- symbol.offset)
    return [line.linked(to: .target(.address(space: Int(row.space), start)))]
  }

  /// What an entry's bits mean to the guest's kernel.
  func meaningLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    guard row.entryKind != .absent, let meaning = meaning(of: row, space) else { return [] }
    var lines: [StyledLine] = []
    if let summary = meaning.summary { lines.append(fact("Linux", CellText.visible(summary), .marked)) }
    if let frame = meaning.frame, row.entryKind != .leaf {
      lines.append(fact("stands for", "frame \(Numbers.hex(frame))", .address))
    }
    if let bits = meaning.bitNames {
      lines.append(fact(lines.isEmpty ? "Linux" : "", CellText.visible(bits)))
    }
    return lines
  }

  func meaning(of row: TreeRow, _ space: TreeSpace) -> EntryMeaning? {
    guest.guest(of: space)?
      .meaning(of: row.raw, level: Int(row.level), scheme: space.scheme(at: row.virtual), at: row.virtual)
  }

  /// What is known of the process that a space is named after.
  func processLines(_ space: TreeSpace) -> [StyledLine] {
    var lines: [StyledLine] = []
    if let origin = space.found.namedBy { lines.append(fact("named by", origin.title)) }
    if !space.commandLine.isEmpty { lines.append(fact("command", space.commandLine)) }
    let regions = guest[space.id]?.addresses.userRegions.count ?? 0
    if regions > 0 {
      lines.append(
        fact("regions", "\(regions); R lists them")
          .linked(to: selectedRow.map { .regions(space: Int($0.space), nil) }))
    }
    return lines
  }

  /// Who else runs in a space.
  func sharerLines(_ space: TreeSpace) -> [StyledLine] {
    var lines: [StyledLine] = []
    if !space.otherProcesses.isEmpty {
      let isKernel = space.found.pid == nil
      let name = isKernel ? "threads" : "also"
      lines.append(fact(name, space.otherProcesses(limit: Self.processLimit)))
    }
    if let threads = guest[space.id]?.task?.threads, !threads.isEmpty {
      let named = threads.prefix(Self.processLimit).map { "\(CellText.visible($0.name)) \($0.pid)" }
      let more = threads.count > Self.processLimit ? " .." : ""
      lines.append(fact("threads", "\(threads.count) more: \(named.joined(separator: ", "))\(more)"))
    }
    return lines.isEmpty ? [] : [StyledLine()] + lines
  }
}
