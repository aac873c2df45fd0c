/// The ELF headers that matter for a core (System V ABI, "ELF Header" and "Program Header").
struct ElfFile {
  var machine: Machine
  /// All program headers that lie in the file.
  var segments: [ElfSegment] = []
  /// Problems that do not prevent the rest from being read.
  var warnings: [String] = []
  /// The sections that Xen's cores have instead of segments; nil without `.xen_pages`.
  var xen: XenSections?

  private static let coreType: UInt16 = 4
  /// The header count meaning that the real count is in section header 0.
  private static let manySegments: UInt64 = 0xffff
  /// The most program headers read: more than any machine has ranges of memory, and more than a capture of a
  /// terabyte machine's tables has stretches.
  static let segmentLimit: UInt64 = 1 << 21

  /// - Throws: `ImageError` for anything but a little-endian core whose program headers can be found.
  init(_ file: borrowing MappedFile, path: String) throws(ImageError) {
    guard let fileClass = file.load(UInt8.self, at: 4), let order = file.load(UInt8.self, at: 5) else {
      throw .corrupt(path, offset: file.count, problem: "the file ends in the ELF header")
    }
    guard let layout = Layout(fileClass: fileClass) else {
      throw .corrupt(path, offset: 4, problem: "ELF class is \(fileClass), neither 32 nor 64 bit")
    }
    switch order {
    case 1: break
    case 2:
      if let machine = file.load(UInt16.self, at: 18),
        file.load(UInt16.self, at: 16) == Self.coreType.byteSwapped
      {
        throw .unsupportedMachine(path, Machine(rawValue: machine.byteSwapped))
      }
      throw .unsupported(path, feature: "big-endian ELF files are not supported")
    default: throw .corrupt(path, offset: 5, problem: "ELF byte order is \(order), neither 1 nor 2")
    }
    guard let type = file.load(UInt16.self, at: 16), let machine = file.load(UInt16.self, at: 18),
      let tableOffset = layout.word(file, layout.programHeaderOffset),
      let sectionOffset = layout.word(file, layout.sectionHeaderOffset),
      let entrySize = file.load(UInt16.self, at: layout.programHeaderSize),
      let shortCount = file.load(UInt16.self, at: layout.programHeaderSize + 2),
      let sections = file.load(UInt16.self, at: layout.programHeaderSize + 6),
      let namesIndex = file.load(UInt16.self, at: layout.programHeaderSize + 8)
    else { throw .corrupt(path, offset: file.count, problem: "the file ends in the ELF header") }
    guard type == Self.coreType else {
      throw .unsupported(
        path, feature: "is an ELF \(Self.name(ofType: type)), not a core; give a memory dump")
    }
    self.machine = Machine(rawValue: machine)
    xen = XenSections { name in
      layout.section(
        name, file, table: sectionOffset, count: UInt64(sections), names: UInt64(namesIndex))
    }

    var count = UInt64(shortCount)
    if count == Self.manySegments {
      let (field, overflow) = sectionOffset.addingReportingOverflow(layout.sectionInfo)
      guard !overflow, sectionOffset != 0, let real = file.load(UInt32.self, at: field) else {
        throw .corrupt(
          path, offset: layout.sectionHeaderOffset,
          problem: "e_phnum says that section header 0 counts the segments, and it is not in the file")
      }
      count = UInt64(real)
    }
    guard count > 0 else { return }
    guard UInt64(entrySize) == layout.segmentSize else {
      throw .corrupt(
        path, offset: layout.programHeaderSize,
        problem: "e_phentsize is \(entrySize) instead of \(layout.segmentSize)")
    }
    guard tableOffset < file.count else {
      throw .corrupt(
        path, offset: layout.programHeaderOffset,
        problem: "e_phoff 0x\(String(tableOffset, radix: 16)) lies outside the file")
    }
    let present = min(count, (file.count - tableOffset) / layout.segmentSize)
    if present < count {
      warnings.append("\(count - present) of \(count) program headers missing: the file ends in their table")
    }
    let read = min(present, Self.segmentLimit)
    if read < present {
      warnings.append("\(present) program headers: only the first \(read) are used")
    }
    for index in 0..<read {
      if let segment = layout.segment(file, at: tableOffset + index * layout.segmentSize) { keep(segment) }
    }
  }

  /// Keeps a segment if it is used and not empty; joins it to the previous one if it continues that.
  private mutating func keep(_ segment: ElfSegment) {
    guard segment.type == ElfSegment.load || segment.type == ElfSegment.note,
      segment.claim.fileSize > 0 || segment.claim.memorySize > 0
    else { return }
    if segment.type == ElfSegment.load, let last = segments.last, last.isFollowed(by: segment) {
      segments[segments.count - 1].claim.memorySize += segment.claim.memorySize
      segments[segments.count - 1].claim.fileSize += segment.claim.fileSize
    } else {
      segments.append(segment)
    }
  }

  private static func name(ofType type: UInt16) -> String {
    switch type {
    case 1: "object file"
    case 2: "executable (a program or a kernel)"
    case 3: "shared object or executable"
    default: "file of type \(type)"
    }
  }

  /// The offsets of the fields in the two ELF classes.
  private struct Layout {
    let is64: Bool
    let programHeaderOffset: UInt64
    let sectionHeaderOffset: UInt64
    let programHeaderSize: UInt64
    let segmentSize: UInt64
    let sectionSize: UInt64
    /// `sh_info` in a section header.
    let sectionInfo: UInt64

    init?(fileClass: UInt8) {
      guard fileClass == 1 || fileClass == 2 else { return nil }
      is64 = fileClass == 2
      programHeaderOffset = is64 ? 32 : 28
      sectionHeaderOffset = is64 ? 40 : 32
      programHeaderSize = is64 ? 54 : 42
      segmentSize = is64 ? 56 : 32
      sectionSize = is64 ? 64 : 40
      sectionInfo = is64 ? 44 : 28
    }

    func word(_ file: borrowing MappedFile, _ offset: UInt64) -> UInt64? {
      is64 ? file.load(UInt64.self, at: offset) : file.load(UInt32.self, at: offset).map(UInt64.init)
    }

    /// Finds a section by name; the names are stored in section `names`.
    func section(
      _ name: StaticString, _ file: borrowing MappedFile, table: UInt64, count: UInt64, names: UInt64
    ) -> ElfSection? {
      guard names < count, file.holds(table, count * sectionSize),
        let text = word(file, table + names * sectionSize + (is64 ? 24 : 16))
      else { return nil }
      for index in 0..<count {
        let header = table + index * sectionSize
        guard let nameOffset = file.load(UInt32.self, at: header),
          file.matches(name, at: text.saturatingAdding(UInt64(nameOffset))),
          let offset = word(file, header + (is64 ? 24 : 16)), let size = word(file, header + (is64 ? 32 : 20))
        else { continue }
        return ElfSection(offset: offset, size: size)
      }
      return nil
    }

    func segment(_ file: borrowing MappedFile, at offset: UInt64) -> ElfSegment? {
      let first: UInt64 = is64 ? 8 : 4
      let step: UInt64 = is64 ? 8 : 4
      guard let type = file.load(UInt32.self, at: offset),
        let fileOffset = word(file, offset + first),
        let virtual = word(file, offset + first + step),
        let physical = word(file, offset + first + 2 * step),
        let fileSize = word(file, offset + first + 3 * step),
        let memorySize = word(file, offset + first + 4 * step)
      else { return nil }
      return ElfSegment(
        type: type, virtual: virtual,
        claim: SegmentClaim(
          physical: physical, memorySize: memorySize, fileOffset: fileOffset, fileSize: fileSize))
    }
  }
}

/// One program header, unchecked.
struct ElfSegment {
  static let load: UInt32 = 1
  static let note: UInt32 = 4

  var type: UInt32
  var virtual: UInt64
  var claim: SegmentClaim

  /// Whether `p_paddr` says where the segment lies: all ones, in either class, mean that it does not.
  var hasPhysicalAddress: Bool { claim.physical != .max && claim.physical != UInt64(UInt32.max) }

  /// Whether `next` directly follows in physical memory, in virtual memory and in the file, and the file holds both
  /// in full.
  func isFollowed(by next: ElfSegment) -> Bool {
    let size = claim.fileSize
    return type == next.type && size == claim.memorySize && next.claim.fileSize == next.claim.memorySize
      && size <= .max / 2 && next.claim.fileSize <= .max / 2
      && claim.physical <= .max - size && claim.physical + size == next.claim.physical
      && claim.fileOffset <= .max - size && claim.fileOffset + size == next.claim.fileOffset
      && virtual &+ size == next.virtual
  }
}

/// The location of a section's bytes, unchecked.
struct ElfSection {
  var offset: UInt64
  var size: UInt64
}
