import PageTables

/// Writes the results of a walk over all spaces: mappings, references, and then the frames mapped more than once.
struct WalkWriter: ~Copyable {
  private(set) var mappings = 0
  private(set) var references = 0
  private(set) var aliases = 0
  private(set) var isComplete = true
  private var mapping: Statement
  private var reference: Statement
  private var alias: Statement
  private var sweep = FrameSweep()

  init(_ database: borrowing Database) throws(DatabaseError) {
    self.init(
      mapping: try database.prepare(
        "INSERT INTO mappings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      reference: try database.prepare(
        "INSERT INTO shared_references VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"),
      alias: try database.prepare("INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?, ?, ?)"))
  }

  private init(mapping: consuming Statement, reference: consuming Statement, alias: consuming Statement) {
    self.mapping = mapping
    self.reference = reference
    self.alias = alias
  }

  /// - Parameter table: the table that holds the entries, and its row number.
  mutating func put(
    _ range: MappedRange, space: Int, table: (row: Int, table: SpaceIndex.IndexedTable)?, flags: [String],
    scheme: PagingScheme, isDirect: Bool, isRecursive: Bool
  ) throws(DatabaseError) {
    let level = scheme.levels[range.level]
    let isUser = range.access.contains(.user)
    mappings += 1
    mapping.put(mappings)
    mapping.put(space + 1)
    mapping.put(table?.row)
    mapping.put(level.slot(of: range.virtual))
    mapping.put(bits: range.virtual.value)
    mapping.put(count: range.length)
    mapping.put(bits: range.physical.value)
    mapping.put(count: level.pageSize(of: range.raw))
    mapping.put(range.access.contains(.write))
    mapping.put(isUser)
    mapping.put(range.access.contains(.execute))
    mapping.put(flags.joined(separator: " "))
    mapping.put(bits: range.raw)
    mapping.put(Int(level.format.access(of: range.raw, kind: .leaf).rawValue))
    mapping.put(isDirect && !isUser)
    try mapping.run()
    sweep.add(
      FrameCover(
        physical: range.physical.value, length: range.length, virtual: range.virtual.value, mapping: mappings,
        space: space + 1, isUser: isUser, isDirect: isDirect, isRecursive: isRecursive,
        spaces: table?.table.sharing.spaces ?? 1, isShared: table?.table.sharing.isShared ?? false,
        paths: table?.table.sharing.paths ?? 1))
  }

  mutating func put(
    _ item: SpaceReferenceMapping, space: Int, owner: Int, table: Int?, access: Access
  ) throws(DatabaseError) {
    references += 1
    reference.put(space + 1)
    reference.put(owner + 1)
    reference.put(item.depth)
    reference.put(bits: item.ourVA.value)
    reference.put(bits: item.theirVA.value)
    // 0 means all 2^64.
    reference.put(count: item.length == 0 ? .max : item.length)
    reference.put(table)
    reference.put(Int(access.rawValue))
    try reference.run()
  }

  /// Writes the frames that are mapped more than once.
  mutating func finish() throws(DatabaseError) {
    var sweep = FrameSweep()
    swap(&sweep, &self.sweep)
    try sweep.run { (start: UInt64, length: UInt64, covers: [FrameCover]) throws(DatabaseError) in
      let isUserMapped = covers.contains { $0.isUser }
      for cover in covers {
        aliases += 1
        alias.put(bits: start)
        alias.put(count: length)
        alias.put(cover.mapping)
        alias.put(cover.space)
        alias.put(bits: cover.virtual &+ (start &- cover.physical))
        alias.put(cover.kind(isUserMapped: isUserMapped).rawValue)
        alias.put(cover.spaces)
        alias.put(count: cover.paths)
        try alias.run()
      }
    }
    isComplete = sweep.isComplete
  }
}
