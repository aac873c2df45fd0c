/// Builds kdump-compressed files for tests, after makedumpfile's `IMPLEMENTATION` and QEMU's `dump.h`. Pages are not
/// compressed.
package struct ImageKdumpBuilder {
  /// Pages of the machine's memory.
  package var pageCount: Int
  /// The pages in the file, by number.
  package var pages: [Int: [UInt8]]
  /// The notes of the sub-header.
  package var notes: [UInt8] = []
  /// Whether the machine has 64 bits.
  package var is64 = true
  /// The machine's name in `struct new_utsname`.
  package var machine = "x86_64"
  /// Bytes of a page, and of every block of the headers.
  package var block = 4096
  /// The header's version.
  package var version: Int32 = 6
  /// The header's flags: 1 is zlib, 8 marks an incomplete dump.
  package var status: UInt32 = 1
  /// The page numbers that this part of a split dump covers.
  package var part: Range<Int>?
  /// Blocks of each of the two bitmaps, when more than the pages need.
  package var bitmapBlocks: Int?

  /// A file of an x86-64 machine.
  package init(pageCount: Int, pages: [Int: [UInt8]]) {
    self.pageCount = pageCount
    self.pages = pages
  }

  /// Appends a note.
  package mutating func addNote(_ name: String, type: UInt32 = 0, _ descriptor: [UInt8]) {
    var note = ImageBytes()
    note.little(UInt32(name.utf8.count + 1))
    note.little(UInt32(descriptor.count))
    note.little(type)
    note.text(name, size: name.utf8.count + 1)
    note.pad(to: 4)
    note.bytes += descriptor
    note.pad(to: 4)
    notes += note.bytes
  }

  /// File offset of `status`, which four more fields of 4 bytes follow.
  package var fieldsOffset: Int { is64 ? 424 : 412 }
  /// File offset of the first note.
  package var notesOffset: Int { block + 512 }
  /// File offset of the first bitmap.
  package var bitmapOffset: Int { (notesOffset + notes.count + block - 1) / block * block }
  /// Blocks of each bitmap.
  private var blocksOfBitmap: Int { bitmapBlocks ?? (pageCount + 8 * block - 1) / (8 * block) }
  /// File offset of the first page description.
  package var descriptionsOffset: Int { bitmapOffset + 2 * blocksOfBitmap * block }

  /// The whole file.
  package func build() -> [UInt8] {
    var image = ImageBytes()
    image.text("KDUMP   ", size: 8)
    image.little(version)
    for name in ["Linux", "test", "6.1.0", "#1", machine, "(none)"] { image.text(name, size: 65) }
    // The time, of which neither size nor alignment are the same everywhere.
    image.text("", size: fieldsOffset - image.bytes.count)
    image.little(status)
    image.little(Int32(block))
    image.little(Int32(bitmapOffset / block - 1))
    image.little(UInt32(2 * blocksOfBitmap))
    image.little(UInt32(pageCount))
    for _ in 0..<4 { image.little(UInt32(0)) }
    image.little(Int32(1))
    image.pad(to: block)
    addSubHeader(to: &image)
    image.text("", size: notesOffset - image.bytes.count)
    image.bytes += notes
    image.pad(to: block)

    for isDumped in [false, true] {
      var bitmap = [UInt8](repeating: 0, count: blocksOfBitmap * block)
      for page in 0..<pageCount where !isDumped || pages[page] != nil {
        bitmap[page / 8] |= 1 << UInt8(page % 8)
      }
      image.bytes += bitmap
    }
    let order = pages.keys.sorted().filter { part?.contains($0) ?? true }
    let data = image.bytes.count + order.count * 24
    for index in order.indices {
      image.little(UInt64(data + index * block))
      image.little(UInt32(block))
      image.little(UInt32(0))
      image.little(UInt64(0))
    }
    for page in order { image.bytes += pages[page, default: []] }
    return image.bytes
  }

  private func addSubHeader(to image: inout ImageBytes) {
    func word(_ value: Int) {
      if is64 { image.little(UInt64(value)) } else { image.little(UInt32(value)) }
    }
    word(0)  // phys_base
    image.little(Int32(0))  // dump_level
    image.little(Int32(part == nil ? 0 : 1))
    word(part?.lowerBound ?? 0)
    word(part?.upperBound ?? 0)
    image.little(UInt64(0))  // VMCOREINFO
    word(0)
    image.little(UInt64(notes.isEmpty ? 0 : notesOffset))
    word(notes.count)
    image.little(UInt64(0))  // ERASEINFO
    word(0)
    image.little(UInt64(part?.lowerBound ?? 0))
    image.little(UInt64(part?.upperBound ?? 0))
    image.little(UInt64(pageCount))
  }
}

/// A kdump-compressed file of an x86-64 machine with `pageCount` pages of memory, of which those in `pages` are in
/// the file, not compressed.
package func imageKdump(pageCount: Int, pages: [Int: [UInt8]], notes: [UInt8] = []) -> [UInt8] {
  var builder = ImageKdumpBuilder(pageCount: pageCount, pages: pages)
  builder.notes = notes
  return builder.build()
}
