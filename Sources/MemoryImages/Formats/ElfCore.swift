import PageTables

/// Opens an ELF core: one range of physical memory per PT_LOAD, by `p_paddr`.
func elfImage(
  _ file: consuming MappedFile, path: String
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
  let withBytes = loads.filter { $0.claim.fileSize > 0 }
  let physicalKnown = withBytes.contains { $0.claim.physical != 0 && $0.claim.physical != .max }
  if withBytes.count > 1 && !physicalKnown {
    throw .unsupported(
      path, feature: "its segments have no physical addresses (the core of a process?); give a memory dump")
  }
  let table = SegmentTable(loads.map(\.claim), fileSize: file.count)
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
