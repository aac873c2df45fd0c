import PageTables

/// The header of a kdump-compressed file (makedumpfile's `diskdump_mod.h`, `struct disk_dump_header` and
/// `struct kdump_sub_header`), as far as libkdumpfile must be kept from trusting it, and its notes, which
/// libkdumpfile does not hand out.
struct KdumpHeader {
  /// What the kernel called its machine (`struct new_utsname`, the fifth field); nil for names not known.
  let machine: Machine?

  /// File offset of the page descriptions, one of 24 bytes per page in the file, behind the page bitmap.
  let descriptions: UInt64

  private let blockSize: UInt64
  private let is64: Bool

  /// - Throws: when its fields cannot be true of this file.
  init(_ file: borrowing MappedFile, path: String) throws(ImageError) {
    // The fields follow a `struct timeval`, whose size and alignment are those of the machine that wrote it.
    for (fields, is64) in [(424, true), (412, false)] as [(UInt64, Bool)] {
      guard let blockSize = file.load(Int32.self, at: fields + 4),
        let subHeader = file.load(Int32.self, at: fields + 8),
        let bitmap = file.load(UInt32.self, at: fields + 12),
        let pages = file.load(UInt32.self, at: fields + 16)
      else { throw .corrupt(path, offset: file.count, problem: "the file ends in the kdump header") }
      guard (4096...65536).contains(blockSize), blockSize & (blockSize - 1) == 0 else { continue }
      let block = UInt64(blockSize)
      guard (0...1024).contains(subHeader) else {
        throw .corrupt(path, offset: fields + 8, problem: "sub_hdr_size is \(subHeader)")
      }
      let bitmapStart = (1 + UInt64(subHeader)) * block
      guard file.holds(bitmapStart, UInt64(bitmap) * block) else {
        throw .corrupt(path, offset: fields + 12, problem: "the file ends in its page bitmap")
      }
      guard UInt64(pages) <= UInt64(bitmap) * block * 8 else {
        throw .corrupt(path, offset: fields + 16, problem: "max_mapnr is larger than the page bitmap")
      }
      let version = file.load(Int32.self, at: 8) ?? 0
      if is64 && subHeader > 0 {
        try Self.checkSubHeader(
          file, path: path, at: block, version: version, pages: UInt64(bitmap) * block * 8)
      }
      descriptions = bitmapStart + UInt64(bitmap) * block
      self.blockSize = block
      self.is64 = is64
      machine = Self.machine(file)
      return
    }
    throw .corrupt(path, offset: 428, problem: "block_size is no page size")
  }

  private static func machine(_ file: borrowing MappedFile) -> Machine? {
    let field: UInt64 = 12 + 4 * 65
    if file.matches("x86_64", at: field) { return .x86_64 }
    if file.matches("aarch64", at: field) { return .aarch64 }
    if file.matches("i", at: field) && file.matches("86\0", at: field + 2) { return .i386 }
    return nil
  }

  /// Checks the sub-header of a machine of 64 bits: three ranges of the file, and page numbers.
  private static func checkSubHeader(
    _ file: borrowing MappedFile, path: String, at start: UInt64, version: Int32, pages: UInt64
  ) throws(ImageError) {
    for (since, field, name) in [(3, 32, "vmcoreinfo"), (4, 48, "note"), (5, 64, "eraseinfo")]
      as [(Int32, UInt64, String)]
    where version >= since {
      guard let offset = file.load(UInt64.self, at: start + field),
        let size = file.load(UInt64.self, at: start + field + 8), size == 0 || file.holds(offset, size)
      else { throw .corrupt(path, offset: start + field, problem: "\(name) lies outside the file") }
    }
    guard version >= 6 else { return }
    let isSplit = file.load(Int32.self, at: start + 12) != 0
    for (field, name) in [(96, "max_mapnr_64"), (80, "start_pfn_64"), (88, "end_pfn_64")]
      as [(UInt64, String)]
    where isSplit || field == 96 {
      guard let number = file.load(UInt64.self, at: start + field), number <= pages else {
        throw .corrupt(path, offset: start + field, problem: "\(name) is larger than the page bitmap")
      }
    }
  }

  /// The notes of the sub-header; QEMU's CPU state among them. Machines of 32 bits and QEMU for them differ
  /// in the layout, so the one whose range lies in the file is taken.
  func notes(_ file: borrowing MappedFile) -> ElfNotes {
    var notes = ElfNotes()
    let wide = range(file, offset: 48, size: 56, wide: true)
    let narrow = range(file, offset: 32, size: 40, wide: false)
    if let (offset, size) = is64 ? wide ?? narrow : narrow ?? wide {
      notes.read(file, at: offset, size: size)
    }
    return notes
  }

  private func range(
    _ file: borrowing MappedFile, offset: UInt64, size: UInt64, wide: Bool
  ) -> (offset: UInt64, size: UInt64)? {
    guard let start = file.load(UInt64.self, at: blockSize + offset),
      let length = wide
        ? file.load(UInt64.self, at: blockSize + size)
        : file.load(UInt32.self, at: blockSize + size).map(UInt64.init),
      start >= blockSize, length > 0, file.holds(start, length)
    else { return nil }
    return (start, length)
  }
}
