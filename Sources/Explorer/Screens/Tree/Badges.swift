import Canvas
import Guests
import PageTables

/// A mark behind a row of the tree: a sign of its own, so that no color is needed, and a word where there is room.
struct Badge {
  let sign: String
  let text: String
  let look: ListColumn.Look
}

extension Explorer {
  /// What is worth knowing of an entry at a glance; the most urgent first.
  func badges(of row: TreeRow, _ space: TreeSpace, _ glyphs: Glyphs) -> [Badge] {
    guard row.isEntry else { return [] }
    var badges: [Badge] = []
    func add(_ sign: String, _ text: String, _ role: Role) {
      badges.append(Badge(sign: sign, text: text, look: .role(role)))
    }
    let spaceNumber = Int(row.space)
    let isTable = row.entryKind == .table
    let isLeaf = row.entryKind == .leaf
    if let index, row.entryKind != .absent, index.hasFinding(row, in: space.scheme) {
      add(glyphs.finding, glyphs.finding, .finding)
    }
    if row.recursionLevel >= 0 {
      add(glyphs.recursive, glyphs.recursive + space.scheme.levels[Int(row.recursionLevel)].name, .recursive)
    } else if isTable, let badge = sharedBadge(of: row, space, glyphs) {
      badges.append(badge)
    }
    if let index, isTable, index.hasMirror(row) {
      add(glyphs.mirror, glyphs.mirror + "mirror", .mirror)
    } else if let index, isLeaf {
      if row.access.contains(.user) {
        let span = space.scheme.levels[Int(row.level)].span
        let length = row.stride == 0 ? span : span &* UInt64(clamping: row.count)
        if index.isMirrored(row.address, length: length) {
          add(glyphs.mirror, glyphs.mirror + "mirrored", .mirror)
        }
      } else if index.spaces.directMaps(in: spaceNumber).contains(row.virtual, row.address) {
        add(String(glyphs.directMap.prefix(1)), glyphs.directMap, .directMap)
      } else if index.hasMirror(row) {
        add(glyphs.mirror, glyphs.mirror + "mirror", .mirror)
      }
    }
    if isLeaf {
      let fields = space.scheme.levels[Int(row.level)].leafFields
      for field in fields where field.role == .copyOnWrite && field.value(in: row.raw) != 0 {
        add("c", field.name, .dim)
      }
      if Int(row.level) < space.scheme.levels.count - 1 { add(glyphs.hugePage, glyphs.hugePage, .hugePage) }
      if !memory.holds(row.address) { add(glyphs.stale, "not in dump", .dim) }
    }
    return badges
  }

  /// How many spaces reach a table, in the color of its owner; the owner's name where sharing begins.
  private func sharedBadge(of row: TreeRow, _ space: TreeSpace, _ glyphs: Glyphs) -> Badge? {
    let spaceNumber = Int(row.space)
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    guard let index, let sharing = index.spaces.sharing(of: table, in: spaceNumber), sharing.spaces > 1 else {
      return nil
    }
    let count = "\(glyphs.shared)\(sharing.spaces)"
    let above = index.spaces.sharing(
      of: TableReference(address: row.table, level: Int(row.level)), in: spaceNumber)
    let begins = above?.spaces != sharing.spaces
    let name = begins && sharing.owner != spaceNumber ? " " + tree.spaces[sharing.owner].label : ""
    return Badge(sign: count, text: count + name, look: .owner(sharing.owner))
  }
}
