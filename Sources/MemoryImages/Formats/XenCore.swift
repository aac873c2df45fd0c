import PageTables

/// The sections of a file written by `xl dump-core` (Xen's `docs/misc/dump-core-format.txt`).
struct XenSections {
  /// The pages, one after the other.
  var pages: ElfSection
  /// The number of each page, for a guest with its own physical memory; ~0 where there is no page.
  var numbers: ElfSection?
  /// The same for a paravirtualized guest, with the machine page number of each page, which its page tables use.
  var machineNumbers: ElfSection?
  /// A `vcpu_guest_context_t` of each CPU.
  var cpus: ElfSection?
  var notes: ElfSection?

  init?(_ section: (StaticString) -> ElfSection?) {
    guard let pages = section(".xen_pages\0") else { return nil }
    self.pages = pages
    numbers = section(".xen_pfn\0")
    machineNumbers = section(".xen_p2m\0")
    cpus = section(".xen_prstatus\0")
    notes = section(".note.Xen\0")
  }
}

/// Opens Xen's core of a guest.
func xenImage(
  _ file: consuming MappedFile, _ sections: XenSections, machine: Machine, path: String
) throws(ImageError) -> MemoryImage {
  guard xenPageSize(file, sections.notes) ?? Frame.size == Frame.size else {
    throw .unsupported(path, feature: "its pages are not of 4096 bytes")
  }
  guard let numbers = sections.numbers ?? sections.machineNumbers else {
    throw .corrupt(path, offset: 0, problem: "neither .xen_pfn nor .xen_p2m says which pages it holds")
  }
  // The numbers stand at the end of the file.
  guard file.holds(numbers.offset, numbers.size) else {
    throw .corrupt(
      path, offset: file.count, problem: "the file ends early: before the numbers of its pages")
  }
  let isParavirtualized = sections.numbers == nil
  let claims = xenClaims(file, numbers, pages: sections.pages, isParavirtualized: isParavirtualized)
  guard claims.count < ElfFile.segmentLimit else {
    throw .unsupported(
      path, feature: "its pages lie too scattered: in more than \(ElfFile.segmentLimit - 1) stretches")
  }
  let table = SegmentTable(claims, fileSize: file.count)
  guard !table.extent.readable.ranges.isEmpty else {
    throw .corrupt(path, offset: sections.pages.offset, problem: table.warnings.first ?? "it holds no page")
  }
  let cpus =
    machine == .x86_64 ? xenCPUs(file, sections.cpus, isParavirtualized: isParavirtualized) : []
  var image = MemoryImage(
    memory: SegmentedMemory(file, table), format: "Xen core", name: path, machine: machine, notes: ElfNotes(),
    warnings: table.warnings)
  image.cpus = cpus
  return image
}

/// A range for each stretch of pages that are contiguous in memory, too.
private func xenClaims(
  _ file: borrowing MappedFile, _ numbers: ElfSection, pages: ElfSection, isParavirtualized: Bool
) -> [SegmentClaim] {
  let entrySize: UInt64 = isParavirtualized ? 16 : 8
  let count = min(numbers.size / entrySize, pages.size / Frame.size)
  var claims: [SegmentClaim] = []
  for index in 0..<count where claims.count < ElfFile.segmentLimit {
    let entry = numbers.offset + index * entrySize
    guard let number = file.load(UInt64.self, at: entry + (isParavirtualized ? 8 : 0)),
      // The last page would end at 2^64; ~0 means that there is no page.
      number < UInt64.max / Frame.size, !isParavirtualized || file.load(UInt64.self, at: entry) != .max
    else { continue }
    let offset = pages.offset.saturatingAdding(index * Frame.size)
    if let last = claims.last, last.physical + last.fileSize == number * Frame.size,
      last.fileOffset.saturatingAdding(last.fileSize) == offset
    {
      claims[claims.count - 1].fileSize += Frame.size
    } else {
      claims.append(
        SegmentClaim(
          physical: number * Frame.size, memorySize: 0, fileOffset: offset, fileSize: Frame.size))
    }
  }
  return claims
}

/// The CPUs' registers, from the 64-bit `vcpu_guest_context_t` (Xen's `xen/include/public/arch-x86/xen.h`): RIP and
/// RSP in its user registers, CR0 to CR7. A CPU that was never started has none.
private func xenCPUs(
  _ file: borrowing MappedFile, _ section: ElfSection?, isParavirtualized: Bool
) -> [CPUState] {
  let size: UInt64 = 5168
  guard let section, file.holds(section.offset, section.size) else { return [] }
  var cpus: [CPUState] = []
  for index in 0..<min(section.size / size, UInt64(CPUState.most)) {
    let context = section.offset + index * size
    guard let instructionPointer = file.load(UInt64.self, at: context + 648),
      let cr0 = file.load(UInt64.self, at: context + 4984),
      let cr3 = file.load(UInt64.self, at: context + 4984 + 3 * 8),
      let cr4 = file.load(UInt64.self, at: context + 4984 + 4 * 8), cr3 != 0
    else { continue }
    // A paravirtualized CPU always runs in long mode with paging, whatever its own registers say.
    var state = CPUState(
      cr0: isParavirtualized ? cr0 | 0x8000_0001 : cr0, cr3: cr3,
      cr4: isParavirtualized ? cr4 | 0x20 : cr4, instructionPointer: instructionPointer)
    state.general =
      file.load(UInt64.self, at: context + 672).map { [CPUState.Register(name: "rsp", value: $0)] } ?? []
    cpus.append(state)
  }
  return cpus
}

/// The page size in the note of type 0x2000001: magic, CPUs, pages, page size.
private func xenPageSize(_ file: borrowing MappedFile, _ section: ElfSection?) -> UInt64? {
  guard let section, file.holds(section.offset, section.size) else { return nil }
  var position = section.offset
  let end = section.offset + section.size
  while end - position >= 12, let nameSize = file.load(UInt32.self, at: position),
    let descriptorSize = file.load(UInt32.self, at: position + 4),
    let type = file.load(UInt32.self, at: position + 8)
  {
    let descriptor = position + 12 + (UInt64(nameSize) + 3) & ~3
    let next = descriptor + (UInt64(descriptorSize) + 3) & ~3
    guard next <= end else { return nil }
    if type == 0x200_0001, descriptorSize >= 32 { return file.load(UInt64.self, at: descriptor + 24) }
    position = next
  }
  return nil
}
