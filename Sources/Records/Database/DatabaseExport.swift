import Guests
import PageTables

/// What an export wrote.
package struct ExportSummary: Hashable, Sendable {
  package var tables = 0
  package var mappings = 0
  package var references = 0
  package var aliases = 0
  package var mirrors = 0
  package var findings = 0
  package var regions = 0
  /// False where hostile tables had more aliases, mirrors or findings than their lists can hold.
  package var isComplete = true
}

/// Writes all that is known about some spaces into an empty database, as tables to query.
package struct DatabaseExport: ~Copyable {
  private let database: Database
  private let found: [FoundSpace]
  private let index: SpaceIndex
  private let memory: any PhysicalMemory
  private let names: GuestNames?
  /// The row number of each table.
  private let rows: [TableKey: Int]
  private let tables: [SpaceIndex.IndexedTable]
  private var summary = ExportSummary()
  /// The number of regions of processes from which on no further process is listed.
  private static let regionLimit = 1 << 20

  private struct TableKey: Hashable {
    let scheme: String
    let table: TableReference
  }

  /// - Parameters:
  ///   - found: the spaces of `index`, in its order.
  ///   - names: the guest's names for addresses.
  ///   - source: the name of the memory.
  package static func write(
    _ found: [FoundSpace], _ index: SpaceIndex, mirrors: Mirrors, findings: Findings,
    names: GuestNames?, in memory: any PhysicalMemory, source: String, programVersion: String,
    to database: consuming Database
  ) throws(DatabaseError) -> ExportSummary {
    var export = DatabaseExport(database, found, index, memory, names)
    try export.write(mirrors, findings, source: source, programVersion: programVersion)
    return export.summary
  }

  private init(
    _ database: consuming Database, _ found: [FoundSpace], _ index: SpaceIndex, _ memory: any PhysicalMemory,
    _ names: GuestNames?
  ) {
    precondition(found.count == index.spaces.count, "the index is that of the spaces")
    self.database = database
    self.found = found
    self.index = index
    self.memory = memory
    self.names = names
    tables = index.tables
    rows = Dictionary(
      tables.enumerated().map { (TableKey(scheme: $1.scheme.name, table: $1.table), $0 + 1) },
      uniquingKeysWith: { first, _ in first })
  }

  private mutating func write(
    _ mirrors: Mirrors, _ findings: Findings, source: String, programVersion: String
  ) throws(DatabaseError) {
    try database.execute(ExportSchema.settings)
    try database.execute("BEGIN")
    try database.execute(ExportSchema.tables)
    try writeSpaces()
    try writeWindows()
    try writeProcesses()
    try writeRegions()
    try writeTables()
    try writeWalk()
    try write(mirrors)
    try write(findings)
    summary.isComplete = summary.isComplete && mirrors.isComplete && findings.isComplete
    try writeMeta([
      ("schema_version", "\(ExportSchema.version)"), ("source", printable(source)),
      ("program", "pagewalk \(programVersion)"), ("spaces", "\(found.count)"),
      ("complete", summary.isComplete ? "1" : "0"),
    ])
    try database.execute(ExportSchema.indexes)
    try database.execute(ExportSchema.views)
    try database.execute("COMMIT")
  }

  private func writeMeta(_ values: [(key: String, value: String)]) throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO meta VALUES (?, ?)")
    for (key, value) in values {
      insert.put(key)
      insert.put(value)
      try insert.run()
    }
  }

  private mutating func writeSpaces() throws(DatabaseError) {
    var insert = try database.prepare(
      "INSERT INTO spaces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    let counts = index.tableCountsOfSpaces
    let bytes = index.bytesMapped
    let use = index.memory(of: found, guest: names?.guest, in: memory) ?? found.map { _ in SpaceMemory() }
    for (spaceNumber, space) in found.enumerated() {
      let scheme = space.space.scheme
      let root = space.space.root
      insert.put(spaceNumber + 1)
      insert.put(printable(space.space.name))
      insert.put(space.pid)
      insert.put(bits: root.value)
      insert.put(scheme.name)
      insert.put(printable(space.foundBy))
      insert.put(counts[spaceNumber].tables)
      insert.put(counts[spaceNumber].shared)
      insert.put(count: bytes[spaceNumber])
      insert.put(space.isPossiblyStale)
      switch space.isolation {
      case .none:
        insert.put(nil as String?)
        insert.put(nil as Int?)
      case .kernelCopy(let user):
        insert.put("kernel")
        insert.put(bits: user.value)
      case .userCopy(let kernel):
        insert.put("user")
        insert.put(bits: kernel.value)
      }
      insert.put(row(of: TableReference(address: root, level: 0), scheme))
      insert.put(scheme.isSignExtended ? 1 &<< (scheme.virtualAddressBits - 1) : 0)
      insert.put(space.namedBy?.rawValue)
      insert.put(names?.users?.command(of: space).map { printable($0.joined(separator: " ")) })
      insert.put(names?.users?.threads(of: space))
      insert.put(space.isUnowned)
      insert.put(count: use[spaceNumber].userBytes)
      insert.put(count: use[spaceNumber].residentBytes)
      insert.put(count: use[spaceNumber].proportionalBytes)
      insert.put(count: use[spaceNumber].privateBytes)
      insert.put(use[spaceNumber].swappedBytes.map { Int(clamping: $0) })
      insert.put(use[spaceNumber].ownTables)
      try insert.run()
      summary.isComplete = summary.isComplete && use[spaceNumber].isComplete
    }
  }

  /// The roots of each space and the addresses that they translate.
  private func writeWindows() throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    for (spaceNumber, space) in found.enumerated() {
      for (number, window) in space.space.windows.enumerated() {
        insert.put(spaceNumber + 1)
        insert.put(number)
        insert.put(window.rootRegister)
        insert.put(bits: window.root.value)
        insert.put(bits: window.first.value)
        insert.put(count: window.translatedBytes)
        insert.put(window.scheme.name)
        insert.put(row(of: TableReference(address: window.root, level: 0), window.scheme))
        try insert.run()
      }
    }
  }

  private func writeProcesses() throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO processes VALUES (NULL, ?, ?, ?, ?, ?)")
    for (spaceNumber, space) in found.enumerated() {
      for process in space.processes {
        insert.put(spaceNumber + 1)
        insert.put(process.pid)
        insert.put(printable(process.name))
        insert.put(names?.users?.parent(of: process.pid))
        insert.put(names?.users?.threads(of: process.pid))
        try insert.run()
      }
    }
  }

  /// The regions of every process, and the kernel's parts once.
  private mutating func writeRegions() throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO regions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    for (spaceNumber, space) in found.enumerated() {
      // A user copy has the regions of its other copy.
      if case .userCopy = space.isolation { continue }
      // In a hostile memory all processes may show the same regions, without end.
      guard summary.regions < DatabaseExport.regionLimit else {
        summary.isComplete = false
        break
      }
      guard let known = names?.names(of: space), !known.userRegions.isEmpty else { continue }
      let regions = space.space.countedRegions(
        known, user: true, kernel: false, in: memory, guest: names?.guest)
      for region in regions {
        let record = RegionRecord(region, space: space.space, pid: space.pid)
        insert.put(spaceNumber + 1)
        insert.put(bits: record.va.value)
        insert.put(count: record.length)
        insert.put(record.kind)
        insert.put(printable(record.name))
        insert.put(record.permissions)
        insert.put(record.fileOffset.map { Int(clamping: $0) })
        insert.put(count: record.present)
        insert.put(count: record.swapped)
        insert.put(count: record.marked)
        insert.put(count: record.absent)
        try insert.run()
        summary.regions += 1
        summary.isComplete = summary.isComplete && record.complete == nil
      }
    }
    try writeKernelRegions()
  }

  private mutating func writeKernelRegions() throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO kernel_regions VALUES (NULL, ?, ?, ?, ?, ?, ?)")
    // The kernel's own space has all of the kernel's parts; a process's may lack some.
    let guests = found.filter { $0.otherKernel == nil }
    let own = guests.first { $0.pid == nil && !$0.processes.isEmpty } ?? guests.first { $0.namedBy != nil }
    guard let own, let known = names?.names(of: own) else { return }
    let regions = own.space.countedRegions(known, user: false, kernel: true, in: memory, guest: names?.guest)
    for region in regions {
      let record = RegionRecord(region, space: own.space, pid: own.pid)
      insert.put(bits: record.va.value)
      insert.put(count: record.length)
      insert.put(record.kind)
      insert.put(printable(record.name))
      insert.put(count: record.present)
      insert.put(count: record.absent)
      try insert.run()
    }
    summary.regions += regions.count
  }

  private mutating func writeTables() throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO tables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    for (number, table) in tables.enumerated() {
      let level = table.scheme.levels[table.table.level]
      insert.put(number + 1)
      insert.put(bits: table.table.address.value)
      insert.put(table.table.level)
      insert.put(level.name)
      insert.put(table.scheme.name)
      insert.put(count: level.span)
      insert.put(table.sharing.spaces)
      insert.put(table.sharing.parents)
      insert.put(count: table.sharing.paths)
      insert.put(table.ownLeaves)
      insert.put(count: table.leaves)
      insert.put(table.sharing.owner + 1)
      try insert.run()
    }
    summary.tables = tables.count
    var link = try database.prepare("INSERT INTO table_links VALUES (?, ?, ?, ?)")
    try index.forEachLink { (entry: SpaceIndex.TableLink) throws(DatabaseError) in
      link.put(entry.parent + 1)
      link.put(entry.slot)
      link.put(entry.child + 1)
      link.put(Int(entry.access.rawValue))
      try link.run()
    }
  }

  private func row(of table: TableReference, _ scheme: PagingScheme) -> Int? {
    rows[TableKey(scheme: scheme.name, table: table)]
  }

  // MARK: What the spaces map

  /// Every space's own mappings and references, and the frames mapped more than once.
  private mutating func writeWalk() throws(DatabaseError) {
    var writer = try WalkWriter(database)
    let spaces = found.map(\.space)
    // The schemes of each space's mappings, window by window.
    let schemes = spaces.map { $0.windows.map(\.scheme) }
    var flagsOfScheme: [PagingScheme: LeafFlags] = [:]
    var flags = schemes.map { windows in
      windows.map { scheme in
        let flags = flagsOfScheme[scheme] ?? LeafFlags(scheme)
        flagsOfScheme[scheme] = flags
        return flags
      }
    }
    var path = [TableReference?](
      repeating: nil, count: schemes.joined().map(\.levels.count).max() ?? 0)
    var failure: DatabaseError?
    var options = WalkSpacesOptions()
    options.listsTables = true
    _ = forEachSpaceItem(of: spaces, in: memory, options: options) { spaceNumber, item in
      do throws(DatabaseError) {
        switch item {
        case .table(let own):
          path[own.table.level] = own.table
        case .mapping(let range, _):
          let scheme = schemes[spaceNumber][range.window]
          let row = path[range.level].flatMap { self.row(of: $0, scheme) }
          try writer.put(
            range, space: spaceNumber, table: row.map { (row: $0, table: tables[$0 - 1]) },
            flags: flags[spaceNumber][range.window].names(of: range.raw, level: range.level), scheme: scheme,
            isDirect: index.directMaps(in: spaceNumber, window: range.window).contains(
              range.virtual, range.physical),
            isRecursive: isRecursive(path[...range.level]))
        case .reference(let reference, _, let rights):
          let window = spaces[spaceNumber].windowOrLowest(of: reference.ourVA)
          try writer.put(
            reference, space: spaceNumber, owner: reference.owner,
            table: self.row(of: reference.table, schemes[spaceNumber][window]), access: rights.access)
        }
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    try writer.finish()
    summary.mappings = writer.mappings
    summary.references = writer.references
    summary.aliases = writer.aliases
    summary.isComplete = summary.isComplete && writer.isComplete
  }

  /// Whether two of the tables on the path to a leaf lie in the same page.
  private func isRecursive(_ path: ArraySlice<TableReference?>) -> Bool {
    let frames = path.compactMap { $0?.address.frame }
    return Set(frames).count < frames.count
  }

  // MARK: What was found

  private mutating func write(_ mirrors: Mirrors) throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO mirrors VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    for mirror in mirrors.all {
      let record = MirrorRecord(mirror, in: index)
      insert.put(mirror.spaceNumber + 1)
      insert.put(bits: mirror.userVA.value)
      insert.put(bits: mirror.kernelVA.value)
      insert.put(count: mirror.length)
      insert.put(count: record.pages)
      insert.put(bits: mirror.physical.value)
      insert.put(count: mirror.userMappings)
      insert.put(mirror.kernelSpaceNumber + 1)
      insert.put(record.kind)
      try insert.run()
    }
    summary.mirrors = mirrors.all.count
  }

  private mutating func write(_ findings: Findings) throws(DatabaseError) {
    var insert = try database.prepare("INSERT INTO findings VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    for finding in findings.all {
      insert.put(finding.kind.rawValue)
      insert.put(finding.spaceNumber + 1)
      insert.put(bits: finding.virtual.value)
      insert.put(count: finding.length)
      insert.put(finding.access.contains(.write))
      insert.put(finding.access.contains(.user))
      insert.put(finding.access.contains(.execute))
      insert.put(finding.spaces)
      insert.put(row(of: finding.table, found[finding.spaceNumber].space.windows[finding.window].scheme))
      insert.put(finding.slot)
      insert.put(bits: finding.raw)
      try insert.run()
    }
    summary.findings = findings.all.count
  }
}
