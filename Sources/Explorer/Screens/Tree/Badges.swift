import Canvas
import Guests
import PageTables

/// What stands behind a row of the tree: a sign of its own, so that no color is needed, and words where there is room.
struct Badge {
  let sign: String
  let text: String
  let look: ListColumn.Look
  /// More words, for more room, the most first: who is on the other side of a share or a mirror.
  var longer: [String] = []
  /// Whether its words are worth more than a name.
  var isParticular = false
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
    if let index, row.entryKind != .absent, row.kind != .everybodys,
      index.hasFinding(row, in: space.scheme(at: row.virtual))
    {
      add(glyphs.finding, glyphs.finding, .finding)
    }
    if row.recursionLevel >= 0 {
      add(
        glyphs.recursive,
        glyphs.recursive + space.scheme(at: row.virtual).levels[Int(row.recursionLevel)].name, .recursive)
    } else if isTable, row.kind != .everybodys {
      badges += sharedBadges(of: row, space, glyphs)
    }
    if isTable {
      badges += contentBadges(of: row, glyphs)
    } else if isLeaf {
      if let badge = mirrorBadge(of: row, space, glyphs) { badges.append(badge) }
      if let index, !row.access.contains(.user),
        index.spaces.directMaps(in: spaceNumber, window: index.window(of: row)).contains(
          row.virtual, row.address)
      {
        add(String(glyphs.directMap.prefix(1)), glyphs.directMap, .directMap)
      }
      let fields = space.scheme(at: row.virtual).levels[Int(row.level)].leafFields
      for field in fields where field.role == .copyOnWrite && field.value(in: row.raw) != 0 {
        add("c", field.name, .dim)
      }
      if row.groupLength > 1 {
        let size = groupText(row, space)
        badges.append(
          Badge(
            sign: glyphs.contiguous, text: "\(glyphs.contiguous) \(size)", look: .role(.hugePage),
            longer: ["\(glyphs.contiguous) contiguous \(size)"]))
      }
      if Int(row.level) < space.scheme(at: row.virtual).levels.count - 1 {
        add(glyphs.hugePage, glyphs.hugePage, .hugePage)
      }
      if !memory.holds(row.address) { add(glyphs.stale, "not in dump", .dim) }
    }
    return badges
  }

  /// What the entries that belong together make: `64K`, or `30 x 64K`.
  private func groupText(_ row: TreeRow, _ space: TreeSpace) -> String {
    let span = space.scheme(at: row.virtual).levels[Int(row.level)].span
    let size = ByteText.exact(span &* UInt64(row.groupLength))
    let groups = row.count / row.groupLength
    return (groups > 1 ? "\(groups) x " : "") + size
  }

  /// Who else reaches a table. Of a particular share, with whom; of the rest, how many, in the color of the owner. What
  /// everybody has needs no badge.
  private func sharedBadges(of row: TreeRow, _ space: TreeSpace, _ glyphs: Glyphs) -> [Badge] {
    let spaceNumber = Int(row.space)
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    guard let index else { return [] }
    let window = index.window(of: row)
    guard !index.everybodys.contains(table, in: spaceNumber, window: window),
      let sharing = index.spaces.sharing(of: table, in: spaceNumber, window: window)
    else { return [] }
    if let number = index.particular.share(table, spaceNumber: spaceNumber, window: window) {
      return [shareBadge(index.shares[number], row, glyphs, index)]
    }
    guard sharing.spaces > 1 else { return [] }
    let count = "\(glyphs.shared)\(sharing.spaces)"
    return [Badge(sign: count, text: count, look: .owner(sharing.owner))]
  }

  private func shareBadge(
    _ share: ParticularShare, _ row: TreeRow, _ glyphs: Glyphs, _ index: ExplorerIndex
  ) -> Badge {
    let sign = share.spaces > 1 ? "\(glyphs.shared)\(share.spaces)" : glyphs.shared
    guard let peer = share.peer(of: Int(row.space), at: row.virtual, copies: index.census.copies) else {
      return Badge(sign: sign, text: sign, look: .owner(Int(row.space)), isParticular: true)
    }
    let other = tree.spaces[peer.spaceNumber]
    let isOwn = index.census.counted(peer.spaceNumber) == index.census.counted(Int(row.space))
    let name = isOwn ? "itself" : other.label
    let more = share.spaces > 2 ? " +\(share.spaces - 2)" : ""
    let address = Numbers.grouped(peer.virtual, in: other.scheme(at: peer.virtual))
    let text = glyphs.shared + name + (isOwn ? " " + address : more)
    let region = guest[other.id]?.title(of: peer.virtual).map { " " + $0 } ?? ""
    let place = isOwn || peer.virtual == row.virtual ? "" : " at " + address
    return Badge(
      sign: sign, text: text, look: .owner(peer.spaceNumber), longer: [text + place + region],
      isParticular: true
    )
  }

  /// What lies below a table: how many mirrors, and how many particular shares.
  func contentBadges(of row: TreeRow, _ glyphs: Glyphs) -> [Badge] {
    badges(for: content(below: row), spaceNumber: Int(row.space), glyphs)
  }

  /// The mirrors and the particular shares below a row for a table, or for what everybody has.
  private func content(below row: TreeRow) -> ParticularItems.Content {
    guard let index, row.entryKind == .table else { return ParticularItems.Content() }
    if row.kind == .everybodys { return index.particular.content(belowEverybodysOf: index, row) }
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    return index.particular.content(
      below: table, spaceNumber: Int(row.space), window: index.window(of: row))
  }

  /// Where in a row the first mirror or particular share lies.
  func firstParticularAddress(in row: TreeRow, through last: VirtualAddress) -> VirtualAddress? {
    let content = content(below: row)
    guard let index, !content.isEmpty else { return nil }
    let spaceNumber = Int(row.space)
    return index.particular.firstAddress(
      of: content, in: index.census.counted(spaceNumber), from: row.virtual, through: last, index.shares)
  }

  /// What lies somewhere below a row of a space; a single share says with whom.
  func badges(for content: ParticularItems.Content, spaceNumber: Int, _ glyphs: Glyphs) -> [Badge] {
    var badges: [Badge] = []
    func add(
      _ items: ParticularItems.Tally, _ sign: String, _ one: String, _ role: Role, isParticular: Bool = false
    ) {
      guard !items.isEmpty else { return }
      let count = items.countText
      badges.append(
        Badge(
          sign: sign + count, text: "\(sign)\(count) \(one)\(items.count == 1 ? "" : "s")",
          look: .role(role), isParticular: isParticular))
    }
    let sharer = sharer(content.shares, spaceNumber)
    add(content.shares, glyphs.shared, sharer ?? "share", .shared, isParticular: sharer != nil)
    add(content.mirrored, glyphs.mirrored, "mirror", .mirror)
    add(content.mirroring, glyphs.mirroring, "mirror", .mirroring)
    return badges
  }

  /// With whom a space shares, where that is one table of one other space.
  private func sharer(_ shares: ParticularItems.Tally, _ spaceNumber: Int) -> String? {
    guard let index, let number = shares.single, index.shares.indices.contains(number) else { return nil }
    let share = index.shares[number]
    guard share.spaces == 2,
      let peer = share.places.first(where: {
        index.census.counted($0.spaceNumber) != index.census.counted(spaceNumber)
      })
    else { return nil }
    return tree.spaces[peer.spaceNumber].label
  }

  /// The other side of a leaf that is one side of a mirror.
  private func mirrorBadge(of row: TreeRow, _ space: TreeSpace, _ glyphs: Glyphs) -> Badge? {
    guard let index, let peer = mirrorPeer(of: row, space, index) else { return nil }
    let sign = peer.isKernelSide ? glyphs.mirrored : glyphs.mirroring
    let other = tree.spaces[peer.spaceNumber]
    let address = Numbers.grouped(peer.virtual, in: other.scheme(at: peer.virtual))
    let names = index.names(ofMirror: peer.number)
    // The most first. Of the kernel's side, who made the mirror says more than where it is.
    let texts =
      peer.isKernelSide
      ? names.maker.isEmpty
        ? [[address]] : [[address, names.kernel], [address, names.maker], [names.maker]]
      : [[other.label, address, names.user], [other.label, address], [other.label]]
    var words = texts.map { ([sign] + $0.filter { !$0.isEmpty }).joined(separator: " ") }
    let text = words.removeLast()
    return Badge(
      sign: sign, text: text, look: .role(peer.isKernelSide ? .mirror : .mirroring), longer: words,
      isParticular: true)
  }
}

/// The other side of a mirror.
struct MirrorPeer {
  /// The mirror, by its number in the index.
  let number: Int
  let spaceNumber: Int
  let virtual: VirtualAddress
  /// Whether it is the kernel's side.
  let isKernelSide: Bool
}

extension Explorer {
  /// The other side of a row's frames where they are mirrored.
  func mirrorPeer(of row: TreeRow, _ space: TreeSpace, _ index: ExplorerIndex) -> MirrorPeer? {
    guard row.entryKind == .leaf else { return nil }
    let span = space.scheme(at: row.virtual).levels[Int(row.level)].span
    let length = span &* UInt64(clamping: max(1, row.count))
    if row.access.contains(.user) {
      guard
        let found = index.particular.mirror(of: row.address, length: row.stride == 0 ? span : length)
      else { return nil }
      let mirror = index.mirrors[found.number]
      return MirrorPeer(
        number: found.number, spaceNumber: mirror.kernelSpaceNumber,
        virtual: mirror.kernelVA.advanced(by: found.offset), isKernelSide: true)
    }
    guard
      !index.spaces.directMaps(in: Int(row.space), window: index.window(of: row)).contains(
        row.virtual, row.address),
      let found = index.particular.mirror(at: row.virtual, length: length),
      // Another kernel may have something else at the same address.
      index.particular.mirror(of: row.address, length: row.stride == 0 ? span : length) != nil
    else { return nil }
    let mirror = index.mirrors[found.number]
    return MirrorPeer(
      number: found.number, spaceNumber: mirror.spaceNumber,
      virtual: mirror.userVA.advanced(by: found.offset), isKernelSide: false)
  }
}
