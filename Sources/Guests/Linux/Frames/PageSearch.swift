import PageTables

extension PageDescriptors {
  /// Collects what is known about the page array; nil where it cannot be found.
  init?(_ search: LinuxSearch, _ reader: GuestMemoryReader, paths: FilePaths?) {
    guard let array = PageArray(search.info, search.symbols, search.types, reader),
      let known = PageLayout(
        search.types, search.info, size: Int(array.size), pointerSize: reader.pointerSize)
    else { return nil }
    self.init(reader: reader, array: array, layout: known, files: nil)
    let tasks = search.tasks?.tasks ?? []
    if let types = search.types {
      files = paths.flatMap { PageFiles(types, $0, reader) }
    }
    let tables = lastTables(of: tasks)
    inferMarks(
      tables.map(\.frame), code: search.symbols?.address(of: "_stext") ?? search.info?.symbols["_stext"])
    if layout.slabCache == nil {
      layout.slabCache = inferredSlabCache(tasks)
      if layout.slabCache != nil { inferred.append("names of slabs") }
    }
    if files == nil, let paths {
      files = inferredFiles(leaves(of: tables), paths: paths)
      if files != nil { inferred.append("files of pages") }
    }
  }

  /// How the uses of frames are known, for the guest's notes.
  var note: String {
    "frames: the kernel's page array"
      + (inferred.isEmpty ? "" : "; inferred: " + inferred.joined(separator: ", "))
  }

  /// Infers what neither types nor VMCOREINFO say: how tables and free blocks are marked, and which flag reserved
  /// memory has. Samples are tables of processes, free blocks, and the kernel's own code.
  private mutating func inferMarks(_ tables: [Frame], code start: UInt64?) {
    let tables = tables.compactMap { descriptor(of: $0) }
    if layout.types.table == .never {
      layout.types.table = PageTypes.common(tables.map(type))
      if layout.types.table != .never { inferred.append("marks of tables") }
    }
    if layout.types.buddy == .never {
      layout.types.buddy = PageTypes.common(freeBlocks())
      if layout.types.buddy != .never { inferred.append("marks of free blocks") }
    }
    guard layout.reserved == 0, let start else { return }
    let code = (0..<PageDescriptors.sample).compactMap { index in
      reader.physical(of: start &+ UInt64(index) &* Frame.size).flatMap { descriptor(of: $0.frame) }
    }
    guard code.count == PageDescriptors.sample, !tables.isEmpty else { return }
    let common = code.reduce(PageDescriptors.flagMask) { $0 & flags($1) }
    let left = common & ~tables.reduce(0) { $0 | flags($1) }
    if left.nonzeroBitCount == 1 {
      layout.reserved = left
      inferred.append("marks of reserved memory")
    }
  }

  /// The types of the first pages of large free blocks: these pages are unreferenced and in a list.
  private func freeBlocks() -> [UInt64] {
    var found: [UInt64] = []
    for frame in stride(from: 0, to: PageDescriptors.blockSearch, by: PageDescriptors.blockStep)
    where found.count < PageDescriptors.sample {
      guard let page = descriptor(of: Frame(frame)), references(page) == 0, type(page) >= PageTypes.lowest,
        type(page) != PageTypes.none, isListed(page)
      else { continue }
      found.append(type(page))
    }
    return found
  }

  /// The distance between blocks of the largest size, in frames, and the frame at which the search for free ones
  /// ends.
  private static let blockStep = 1024
  private static let blockSearch: UInt64 = 1 << 21
  /// The number of frames examined to infer something.
  private static let sample = 32
  private static let taskLimit = 16
  /// Flags are counted from the lowest bit; higher bits hold zones and the like.
  private static let flagMask: UInt64 = 0xff_ffff

  /// Tables of the last level below the user part of processes' roots.
  private func lastTables(of tasks: [GuestTask]) -> [PhysicalAddress] {
    let levels = reader.space.scheme.levels
    let userSlots = RootShape(reader.space.scheme).kernelSlots.lowerBound
    var found: [PhysicalAddress] = []
    let roots = tasks.lazy.filter { !$0.isKernelThread }.compactMap(\.root)
    for root in roots.prefix(PageDescriptors.taskLimit) where found.count < PageDescriptors.sample {
      var tables = [root]
      for (depth, level) in levels.dropLast().enumerated() {
        let next = tables.flatMap { table in
          addresses(in: table, level, slots: depth == 0 ? userSlots : level.entryCount, .table)
        }
        tables = Array(next.prefix(PageDescriptors.sample))
      }
      found += tables
    }
    return Array(found.prefix(PageDescriptors.sample))
  }

  /// Frames that the entries of tables of the last level map.
  private func leaves(of tables: [PhysicalAddress]) -> [Frame] {
    guard let level = reader.space.scheme.levels.last else { return [] }
    return tables.flatMap { addresses(in: $0, level, slots: level.entryCount, .leaf).map(\.frame) }
  }

  /// What the first slots of a table point at.
  private func addresses(
    in table: PhysicalAddress, _ level: PagingLevel, slots: Int, _ kind: EntryKind
  ) -> [PhysicalAddress] {
    let format = level.format
    let address = kind == .table ? format.tableAddress : format.leafAddress
    let found = try? reader.memory.withPage(at: table) { page -> [PhysicalAddress] in
      let offset = table.offsetInFrame
      guard page.byteCount == Int(Frame.size), offset + slots * format.entrySize <= page.byteCount else {
        return []
      }
      return (0..<slots).compactMap { slot in
        let raw = page.entry(at: offset + slot * format.entrySize, size: format.entrySize)
        return format.kind(of: raw) == kind ? address.address(in: raw) : nil
      }
    }
    return found ?? []
  }
}
