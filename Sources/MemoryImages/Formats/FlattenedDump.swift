import Glibc
import PageTables

/// Opens makedumpfile's flattened form, as QEMU writes kdump files: a header of 4096 bytes, then records of
/// big-endian offset and size with the bytes that belong there; offset -1 ends it (makedumpfile's
/// `makedumpfile.h`, `struct makedumpfile_data_header`).
///
/// It is put in order in a file in memory: no larger than what it holds.
func flattenedImage(
  _ file: consuming MappedFile, path: String
) throws(ImageError) -> MemoryImage {
  let arranged = try FileDescriptor.inMemory(path)
  let warnings = try FlattenedRecords.rearrange(file, into: arranged, path: path)
  var image = try MemoryImage.openFile(
    arranged, path: path, options: SourceOptions(), mayBeFlattened: false)
  image.format += " (flattened)"
  image.warnings += warnings
  return image
}

enum FlattenedRecords {
  private static let headerSize: UInt64 = 4096
  private static let recordHeaderSize: UInt64 = 16
  /// No dump is longer; what says so lies.
  private static let longest: UInt64 = 1 << 44

  /// Writes every record to its place.
  ///
  /// - Returns: warnings.
  /// - Throws: when a record lies, or the small records would take memory out of proportion to the file.
  static func rearrange(
    _ file: borrowing MappedFile, into output: borrowing FileDescriptor, path: String
  ) throws(ImageError) -> [String] {
    guard file.load(UInt64.self, at: 16)?.byteSwapped == 1, file.load(UInt64.self, at: 24)?.byteSwapped == 1
    else { throw .corrupt(path, offset: 16, problem: "type or version of the flattened header is not 1") }
    var position = headerSize
    var pages: UInt64 = 0
    let pageLimit = file.count / Frame.size * 4 + 4096
    while let offset = file.load(UInt64.self, at: position)?.byteSwapped,
      let size = file.load(UInt64.self, at: position + 8)?.byteSwapped
    {
      if offset == .max { return [] }
      guard offset < longest, size < longest else {
        throw .corrupt(
          path, offset: position, problem: "a record of a flattened dump lies at an impossible place")
      }
      let data = position + recordHeaderSize
      let available = min(size, file.count - data)
      if available > 0 {
        pages += (offset + available - 1) / Frame.size - offset / Frame.size + 1
        guard pages <= pageLimit else {
          throw .corrupt(path, offset: position, problem: "the records of a flattened dump are too scattered")
        }
        guard file.write(at: data, length: available, to: output, position: offset) else {
          throw .system(path, operation: "rearrange", reason: errorText(errno))
        }
      }
      if available < size { return ["the file ends within a record of its flattened form"] }
      position = data + size
    }
    return ["the flattened form has no end mark: the file ends early"]
  }
}
