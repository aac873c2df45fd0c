import PageTables

/// The header that LiME and AVML put before each range: magic, version, first address, last address (inclusive), 8
/// reserved bytes; 32 bytes in total (LiME's `doc/README.md`, "Spec").
struct RangeHeader {
  static let size: UInt64 = 32

  /// The header values that differ between the two formats.
  struct Format {
    let name: String
    let magic: StaticString
    let version: UInt32

    static let lime = Format(name: "LiME", magic: "EMiL", version: 1)
    static let avml = Format(name: "AVML", magic: "AVML", version: 2)
  }

  var start: UInt64
  /// Bytes in the range, at least 1.
  var length: UInt64

  /// - Throws: what is wrong with the header, or with the range that it describes.
  init(
    _ file: borrowing MappedFile, at offset: UInt64, format: Format
  ) throws(RangeProblem) {
    guard file.holds(offset, Self.size), let found = file.load(UInt32.self, at: offset + 4),
      let start = file.load(UInt64.self, at: offset + 8), let last = file.load(UInt64.self, at: offset + 16)
    else { throw RangeProblem(text: "the file ends in the header of a range") }
    guard file.matches(format.magic, at: offset) else {
      throw RangeProblem(text: "no \(format.name) header of a range there")
    }
    guard found == format.version else {
      throw RangeProblem(
        text: "\(format.name) version \(found), and only version \(format.version) is supported")
    }
    guard last >= start, last - start < .max else {
      throw RangeProblem(text: "a range ends at \(AddressText.hex(last)), before its start")
    }
    self.start = start
    length = last - start + 1
  }
}

/// What is wrong with one range of a file that consists of consecutive ranges.
struct RangeProblem: Error {
  var text: String
}

/// Opens a LiME dump, version 1: alternating headers and bytes. Only the headers are read.
func limeImage(_ file: consuming MappedFile, path: String) throws(ImageError) -> MemoryImage {
  var claims: [SegmentClaim] = []
  var warnings: [String] = []
  var offset: UInt64 = 0
  while offset < file.count {
    do throws(RangeProblem) {
      let header = try RangeHeader(file, at: offset, format: .lime)
      claims.append(
        SegmentClaim(
          physical: header.start, memorySize: header.length, fileOffset: offset + RangeHeader.size,
          fileSize: header.length))
      offset = (offset + RangeHeader.size).saturatingAdding(header.length)
    } catch {
      guard !claims.isEmpty else { throw ImageError.corrupt(path, offset: offset, problem: error.text) }
      warnings.append(tail(offset, file.count, error.text))
      break
    }
  }
  let table = SegmentTable(claims, fileSize: file.count)
  guard !table.extent.readable.ranges.isEmpty else {
    throw .corrupt(path, offset: 0, problem: table.warnings.first ?? "no range holds a whole page")
  }
  return MemoryImage(
    memory: SegmentedMemory(file, table), format: "LiME", name: path, machine: nil, notes: ElfNotes(),
    warnings: warnings + table.warnings)
}

/// The warning for a file whose remaining bytes cannot be read.
func tail(_ offset: UInt64, _ end: UInt64, _ problem: String) -> String {
  "corrupt at file offset \(AddressText.hex(offset)): \(problem); "
    + "the last \(end - offset) bytes are left out"
}
