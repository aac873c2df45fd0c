import PageTables

/// What spaces look like before they are rebuilt, to be held against the copy.
package struct RebuiltCheck {
  private let spaces: [AddressSpace]
  private let memory: any PhysicalMemory
  /// Leaves of one space that are compared one by one: paths multiply.
  private let limit: Int

  /// The original.
  package init(_ spaces: [AddressSpace], in memory: any PhysicalMemory, limit: Int = 20_000) {
    self.spaces = spaces
    self.memory = memory
    self.limit = limit
  }

  /// What differs in the copy, empty when nothing does: items of the common walk, counts, leaves.
  package func differences(from copy: RebuiltSpaces) -> [String] {
    guard let scheme = spaces.first?.scheme else { return [] }
    var options = WalkSpacesOptions()
    options.listsTables = true
    let before = walkSpaces(spaces.map(\.root).spaces(scheme), in: memory, options: options)
    let after = walkSpaces(copy.roots.spaces(scheme), in: copy.memory, options: options)
    var problems: [String] = []
    for spaceNumber in spaces.indices {
      let name = "space \(spaceNumber): "
      func bare(_ items: [SpaceItem]) -> [SpaceItem] {
        items.map { RebuiltCheck.withoutAddresses($0, in: scheme) }
      }
      if bare(before.items[spaceNumber]) != bare(after.items[spaceNumber]) {
        problems.append(name + "mappings or references differ")
      }
      if before.spaces[spaceNumber].summary != after.spaces[spaceNumber].summary {
        problems.append(name + "counts differ")
      }
      let rebuilt = AddressSpace(name: "", root: copy.roots[spaceNumber], scheme: scheme)
      if leaves(of: spaces[spaceNumber], memory) != leaves(of: rebuilt, copy.memory) {
        problems.append(name + "leaves differ")
      }
    }
    let tables = before.spaces.reduce(0) { $0 + $1.summary.tables }
    if UInt64(copy.tables) != tables { problems.append("\(copy.tables) tables instead of \(tables)") }
    return problems
  }

  /// An item without what a copy changes: where tables lie.
  package static func withoutAddresses(_ item: SpaceItem) -> SpaceItem {
    withoutAddresses(item, addressBits: 0x000f_ffff_ffff_f000)
  }

  private static func withoutAddresses(_ item: SpaceItem, in scheme: PagingScheme) -> SpaceItem {
    withoutAddresses(
      item, addressBits: scheme.levels.reduce(0) { $0 | $1.format.tableAddress.allBits })
  }

  private static func withoutAddresses(_ item: SpaceItem, addressBits: UInt64) -> SpaceItem {
    func attributes(_ raw: UInt64) -> UInt64 { raw & ~addressBits }
    func bare(_ table: TableReference) -> TableReference {
      TableReference(address: PhysicalAddress(0), level: table.level)
    }
    switch item {
    case .mapping: return item
    case .table(let table):
      return .table(
        OwnTable(table: bare(table.table), virtual: table.virtual, entry: attributes(table.entry)))
    case .reference(let reference, let entry, let rights):
      let plain = SpaceReferenceMapping(
        depth: reference.depth, owner: reference.owner, space: PhysicalAddress(0), ourVA: reference.ourVA,
        theirVA: reference.theirVA, length: reference.length, table: bare(reference.table))
      return .reference(plain, entry: attributes(entry), rights: rights)
    }
  }

  private func leaves(of space: AddressSpace, _ memory: any PhysicalMemory) -> [Leaf] {
    var leaves: [Leaf] = []
    _ = space.forEachLeaf(in: memory) { leaf in
      leaves.append(leaf)
      return leaves.count < limit
    }
    return leaves
  }
}
