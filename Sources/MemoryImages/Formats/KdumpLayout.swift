/// The offsets of the fields in a kdump header: they follow a `struct timeval`, whose size and alignment depend on
/// the machine that wrote the file, as do some fields of the sub-header.
struct KdumpLayout {
  /// File offset of `status`, followed by `block_size`, `sub_hdr_size`, `bitmap_blocks` and `max_mapnr`.
  let fields: UInt64
  /// Whether the machine is a 64-bit one.
  let isWide: Bool
  /// The ranges that the sub-header names.
  var ranges: [RangeField] { [vmcoreinfo, notes, eraseinfo] }
  let vmcoreinfo: RangeField
  let notes: RangeField
  let eraseinfo: RangeField

  private let split: UInt64
  /// The fields of a part's first and last page, up to version 6 and from then on.
  private let oldPart: UInt64
  private let newPart: UInt64
  private let maximum: UInt64

  /// A range of the file: a 64-bit offset, and a size with the machine's word size.
  struct RangeField {
    let name: String
    /// The first version that has it.
    let since: Int32
    let offset: UInt64
  }

  static let wide = KdumpLayout(
    fields: 424, isWide: true, vmcoreinfo: 32, notes: 48, eraseinfo: 64, split: 12, oldPart: 16, newPart: 80,
    maximum: 96)
  /// Packed: as the library reads it, and as makedumpfile on x86 and QEMU write it.
  static let narrow = KdumpLayout(
    fields: 412, isWide: false, vmcoreinfo: 20, notes: 32, eraseinfo: 44, split: 8, oldPart: 12, newPart: 56,
    maximum: 72)

  private init(
    fields: UInt64, isWide: Bool, vmcoreinfo: UInt64, notes: UInt64, eraseinfo: UInt64, split: UInt64,
    oldPart: UInt64, newPart: UInt64, maximum: UInt64
  ) {
    self.fields = fields
    self.isWide = isWide
    self.vmcoreinfo = RangeField(name: "vmcoreinfo", since: 3, offset: vmcoreinfo)
    self.notes = RangeField(name: "note", since: 4, offset: notes)
    self.eraseinfo = RangeField(name: "eraseinfo", since: 5, offset: eraseinfo)
    self.split = split
    self.oldPart = oldPart
    self.newPart = newPart
    self.maximum = maximum
  }

  /// The layout that libkdumpfile assumes for a file: it tries 32 bits before 64, each in both byte orders, and
  /// takes the first in which a few fields are consistent. The file must be checked in that layout and no other.
  static func ofLibrary(_ file: borrowing MappedFile, path: String) throws(ImageError) -> KdumpLayout {
    for layout in [narrow, wide] {
      for isSwapped in [false, true] where layout.fits(file, isSwapped: isSwapped) {
        if isSwapped {
          throw .unsupported(path, feature: "is the memory of a big-endian machine: not supported")
        }
        return layout
      }
    }
    guard file.count >= wide.fields + 20 else {
      throw .corrupt(path, offset: file.count, problem: "the file ends early: in the kdump header")
    }
    let isPage = file.load(UInt32.self, at: wide.fields + 4).map(isPageSize) ?? false
    throw .corrupt(
      path, offset: wide.fields + (isPage ? 16 : 4),
      problem: isPage ? "max_mapnr is larger than the page bitmap" : "block_size is no page size")
  }

  private func fits(_ file: borrowing MappedFile, isSwapped: Bool) -> Bool {
    func field(_ offset: UInt64) -> UInt32? {
      file.load(UInt32.self, at: fields + offset).map { isSwapped ? $0.byteSwapped : $0 }
    }
    guard let block = field(4), let bitmap = field(12), let pages = field(16) else { return false }
    return Self.isPageSize(block) && UInt64(pages) <= UInt64(bitmap) * UInt64(block) * 8
  }

  private static func isPageSize(_ size: UInt32) -> Bool {
    (4096...262144).contains(size) && size & (size - 1) == 0
  }

  /// A range as its fields give it; nil where the fields do not lie in the file.
  func range(
    _ range: RangeField, _ file: borrowing MappedFile, subHeader: UInt64
  ) -> (offset: UInt64, size: UInt64)? {
    guard let offset = file.load(UInt64.self, at: subHeader + range.offset),
      let size = word(file, at: subHeader + range.offset + 8)
    else { return nil }
    return (offset, size)
  }

  /// The page numbers of a part of a split dump; nil where the dump is not split.
  func checkedPart(
    _ file: borrowing MappedFile, path: String, subHeader: UInt64, version: Int32, pages: UInt64
  ) throws(ImageError) -> Range<UInt64>? {
    func number(_ field: UInt64, _ name: String) throws(ImageError) -> UInt64 {
      let value =
        version >= 6 ? file.load(UInt64.self, at: subHeader + field) : word(file, at: subHeader + field)
      guard let value, value <= pages else {
        throw .corrupt(path, offset: subHeader + field, problem: "\(name) is larger than the page bitmap")
      }
      return value
    }
    if version >= 6 { _ = try number(maximum, "max_mapnr_64") }
    guard version >= 2, file.load(UInt32.self, at: subHeader + split) ?? 0 != 0 else { return nil }
    let field = version >= 6 ? newPart : oldPart
    let first = try number(field, version >= 6 ? "start_pfn_64" : "start_pfn")
    let end = try number(
      field + (version >= 6 || isWide ? 8 : 4), version >= 6 ? "end_pfn_64" : "end_pfn")
    guard first <= end else {
      throw .corrupt(
        path, offset: subHeader + field, problem: "the part of a split dump ends before it begins")
    }
    return first..<end
  }

  private func word(_ file: borrowing MappedFile, at offset: UInt64) -> UInt64? {
    isWide ? file.load(UInt64.self, at: offset) : file.load(UInt32.self, at: offset).map(UInt64.init)
  }
}
