import PageTables

/// Opens an ELF core: one range of physical memory per PT_LOAD, at `p_paddr`. If no segment has a `p_paddr`, the
/// page tables in the core tell where the segments lie.
func elfImage(
  _ file: consuming MappedFile, path: String, options: SourceOptions = SourceOptions(),
  descriptor: consuming FileDescriptor? = nil
) throws(ImageError) -> MemoryImage {
  let elf = try ElfFile(file, path: path)
  var notes = ElfNotes()
  for segment in elf.segments where segment.type == ElfSegment.note {
    notes.read(file, at: segment.claim.fileOffset, size: segment.claim.fileSize)
  }
  let loads = elf.segments.filter { $0.type == ElfSegment.load }
  if loads.isEmpty, let sections = elf.xen {
    return try xenImage(file, sections, machine: elf.machine, path: path)
  }
  if elf.lacksPhysicalAddresses(loads, notes) {
    let core = VirtualCore(segments: loads.filter { $0.claim.fileSize > 0 }, machine: elf.machine)
    return try virtualImage(
      core, file, path: path, places: options.linear, descriptor: descriptor.take(), notes: notes,
      warnings: elf.warnings + notes.warnings)
  }
  guard options.linear.isEmpty else {
    throw .unsupported(
      path, feature: "has physical addresses, and --linear is for cores that have none; leave it out")
  }
  let table = SegmentTable(loads.lazy.filter(\.hasPhysicalAddress).map(\.claim), fileSize: file.count)
  var warnings = elf.warnings + notes.warnings + table.warnings
  guard !table.extent.readable.ranges.isEmpty else {
    let reason = warnings.first ?? "no segment holds a page of memory"
    throw .corrupt(path, offset: 0, problem: reason)
  }

  let contents = CaptureNote.contents(of: notes.captureNotes, readable: table.extent.readable)
  warnings += contents?.warnings ?? []
  var image = MemoryImage(
    memory: SegmentedMemory(file, table, extent: contents?.extent),
    format: contents == nil ? "ELF core" : "capture", name: path, machine: elf.machine, notes: notes,
    warnings: warnings)
  image.capture = contents?.capture
  return image
}

/// Opens a core whose segments have no physical addresses: one of a hyperlight guest, or one for which `places` say
/// enough.
private func virtualImage(
  _ core: VirtualCore, _ file: consuming MappedFile, path: String, places: [LinearPlace],
  descriptor: consuming FileDescriptor?, notes: ElfNotes, warnings: [String]
) throws(ImageError) -> MemoryImage {
  var places = places
  if places.isEmpty && core.machine == .x86_64 { places = HyperlightLayout.places(core.segments, file) }
  guard !places.isEmpty, let descriptor = descriptor.take() else {
    throw .unsupported(
      path,
      feature:
        "its segments have no physical addresses (the core of a process?); give a memory dump, or --linear VA=PA for an address whose place is known"
    )
  }
  let size = file.count
  let placed = try core.place(by: places) { claims throws(ImageError) in
    // The file may have become shorter since it was opened.
    let mapped = try MappedFile(descriptor, path: path)
    let table = SegmentTable(claims, fileSize: mapped.count)
    return SegmentedMemory(mapped, table)
  }
  let table = SegmentTable(placed.claims, fileSize: size)
  guard !table.extent.readable.ranges.isEmpty else {
    throw .unsupported(path, feature: "--linear: no segment holds such an address")
  }
  var warnings = warnings
  if placed.roots.isEmpty {
    warnings.append("no page of it is a root that translates its segments")
  }
  if placed.missing > 0 {
    warnings.append("no table tells where \(pageCount(placed.missing)) of its segments lie; left out")
  }
  var image = MemoryImage(
    memory: SegmentedMemory(file, table), format: "ELF core", name: path, machine: core.machine, notes: notes,
    warnings: warnings)
  image.segmentRoots = placed.roots
  return image
}

extension ElfFile {
  /// Whether `p_paddr` is meaningless in all segments. A single segment at 0 does lie at 0, unless its virtual
  /// address is another and no note shows that a machine was dumped.
  fileprivate func lacksPhysicalAddresses(_ loads: [ElfSegment], _ notes: ElfNotes) -> Bool {
    let withBytes = loads.filter { $0.claim.fileSize > 0 }
    guard let first = withBytes.first,
      withBytes.allSatisfy({ $0.claim.physical == 0 || !$0.hasPhysicalAddress })
    else { return false }
    if withBytes.count > 1 { return true }
    let isOfMachine =
      !notes.cpuNotes.isEmpty || notes.vmcoreinfo != nil || !notes.captureNotes.isEmpty
    return !first.hasPhysicalAddress || (first.virtual != 0 && !isOfMachine)
  }
}
