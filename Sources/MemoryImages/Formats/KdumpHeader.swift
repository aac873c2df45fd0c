import PageTables

/// The header of a kdump-compressed file (makedumpfile's `diskdump_mod.h`, `struct disk_dump_header` and `struct
/// kdump_sub_header`): the fields that must be validated before libkdumpfile uses them, and those that libkdumpfile
/// does not expose.
struct KdumpHeader {
  /// The machine, by the name that its kernel gives it; nil where the header has no known name.
  let machine: Machine?
  /// Bytes per page in the file: what one bit of the bitmap and one page description cover.
  let pageSize: UInt64
  /// File offset of the page descriptions, which follow the page bitmap: 24 bytes for each page in the file.
  let descriptions: UInt64
  /// The page numbers that this file of a split dump may hold; nil for a dump in one file.
  let part: Range<UInt64>?
  /// Whether the header says that the writer ran out of space.
  let isIncomplete: Bool

  private let layout: KdumpLayout
  private let version: Int32

  private static let incomplete: UInt32 = 0x8
  private static let foreign = ["alpha", "arm", "ia64", "mips", "parisc", "ppc", "s390", "sparc"]

  /// - Throws: when its fields cannot be right for this file, or exceed what libkdumpfile can handle.
  init(_ file: borrowing MappedFile, path: String) throws(ImageError) {
    let layout = try KdumpLayout.ofLibrary(file, path: path)
    let fields = layout.fields
    guard let version = file.load(Int32.self, at: 8), let status = file.load(UInt32.self, at: fields),
      let block = file.load(UInt32.self, at: fields + 4).map(UInt64.init),
      let subHeader = file.load(Int32.self, at: fields + 8),
      let bitmap = file.load(UInt32.self, at: fields + 12)
    else { throw .corrupt(path, offset: file.count, problem: "the file ends early: in the kdump header") }
    guard block <= 65536 else {
      throw .corrupt(path, offset: fields + 4, problem: "block_size is no page size")
    }
    guard version >= 0 else { throw .corrupt(path, offset: 8, problem: "header_version is \(version)") }
    guard (0...1024).contains(subHeader) else {
      throw .corrupt(path, offset: fields + 8, problem: "sub_hdr_size is \(subHeader)")
    }
    let bitmapStart = (1 + UInt64(subHeader)) * block
    guard file.holds(bitmapStart, UInt64(bitmap) * block) else {
      throw .corrupt(
        path, offset: fields + 12,
        problem: "bitmap_blocks is \(bitmap): the file ends early, in its page bitmap")
    }
    self.layout = layout
    self.version = version
    pageSize = block
    descriptions = bitmapStart + UInt64(bitmap) * block
    isIncomplete = status & Self.incomplete != 0
    machine = try Self.machine(file, path: path)
    part = try layout.checkedPart(
      file, path: path, subHeader: block, version: version, pages: UInt64(bitmap) * block * 8)
    for range in layout.ranges where version >= range.since {
      guard let (offset, size) = layout.range(range, file, subHeader: block),
        size == 0 || file.holds(offset, size)
      else {
        throw .corrupt(path, offset: block + range.offset, problem: "\(range.name) lies outside the file")
      }
    }
    try checkStretches(file, path: path, bitmapStart: bitmapStart)
    try checkNotes(file, path: path)
  }

  /// The library makes a list of all stretches of equal bits; a file of a few megabytes can have enough of them to
  /// exhaust the memory.
  private func checkStretches(
    _ file: borrowing MappedFile, path: String, bitmapStart: UInt64
  ) throws(ImageError) {
    let most = 4 << 20
    let counted = try? file.withBytes(at: bitmapStart, length: descriptions - bitmapStart) { bits in
      stretchesOfSetBits(bits)
    }
    guard let count = counted else {
      throw .corrupt(path, offset: bitmapStart, problem: "the file ends in its page bitmap")
    }
    guard count <= most else {
      throw .unsupported(
        path,
        feature: "its page bitmap is too scattered: \(count) stretches of pages, at most \(most) can be read")
    }
  }

  /// Checks that the library can handle those notes and the VMCOREINFO that it will read.
  private func checkNotes(_ file: borrowing MappedFile, path: String) throws(ImageError) {
    var check = KdumpNotesCheck(path: path, pageSize: pageSize)
    if version == 3, let (offset, size) = layout.range(layout.vmcoreinfo, file, subHeader: pageSize), size > 0
    {
      try check.vmcoreinfo(file, at: offset, size: size)
    }
    if version >= 4, let (offset, size) = layout.range(layout.notes, file, subHeader: pageSize) {
      try check.notes(file, at: offset, size: size)
    }
  }

  /// The machine. Throws for machines that libkdumpfile would start to set up, but for which there is no paging
  /// scheme.
  private static func machine(_ file: borrowing MappedFile, path: String) throws(ImageError) -> Machine? {
    // `struct new_utsname`, the fifth field.
    let bytes = file.copy(at: 12 + 4 * 65, length: 64) ?? []
    let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    switch name {
    case "x86_64": return .x86_64
    case "i386", "i486", "i586", "i686": return .i386
    case "aarch64", "arm64": return .aarch64
    case "riscv64", "riscv": return .riscv
    default:
      // QEMU writes "Unknown".
      guard !foreign.contains(where: name.hasPrefix) else {
        throw .unsupported(path, feature: "is the memory of a machine called \(name), which is not supported")
      }
      return nil
    }
  }

  /// The notes of the sub-header, including QEMU's CPU state and the kernel's VMCOREINFO.
  func notes(_ file: borrowing MappedFile) -> ElfNotes {
    var notes = ElfNotes()
    if version >= 4, let (offset, size) = layout.range(layout.notes, file, subHeader: pageSize), size > 0 {
      notes.read(file, at: offset, size: size)
    }
    if notes.vmcoreinfo == nil, version >= 3,
      let (offset, size) = layout.range(layout.vmcoreinfo, file, subHeader: pageSize),
      size > 0, size <= KdumpNotesCheck.longestVmcoreinfo
    {
      notes.vmcoreinfo = file.copy(at: offset, length: size)
    }
    return notes
  }
}

/// How many stretches of set bits there are in a bitmap.
private func stretchesOfSetBits(_ bits: RawSpan) -> Int {
  var count = 0
  var carry: UInt64 = 0
  // A block is at least a page, so a bitmap consists of whole words.
  for offset in stride(from: 0, to: bits.byteCount & ~7, by: 8) {
    let word = UInt64(
      littleEndian: bits.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    count &+= (word & ~(word << 1 | carry)).nonzeroBitCount
    carry = word >> 63
  }
  return count
}
