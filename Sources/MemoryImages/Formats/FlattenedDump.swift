import Glibc
import PageTables

/// Opens makedumpfile's flattened form, as QEMU writes kdump files: a header of 4096 bytes, then records of
/// big-endian offset and size with the bytes that belong there; offset -1 ends it (makedumpfile's
/// `makedumpfile.h`, `struct makedumpfile_data_header`).
///
/// It is put in order in a file in shared memory, or in a temporary file where there is not enough of that;
/// no larger than what it holds.
func flattenedImage(
  _ file: consuming MappedFile, path: String
) throws(ImageError) -> MemoryImage {
  do throws(ImageError) {
    return try flattenedImage(file, path: path, arranged: FileDescriptor.inMemory(path))
  } catch {
    guard case .system = error else { throw error }
    return try flattenedImage(file, path: path, arranged: FileDescriptor.temporary(path))
  }
}

private func flattenedImage(
  _ file: borrowing MappedFile, path: String, arranged: consuming FileDescriptor
) throws(ImageError) -> MemoryImage {
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

  /// Writes every record to its place.
  ///
  /// - Returns: warnings.
  /// - Throws: when a record lies about its place.
  static func rearrange(
    _ file: borrowing MappedFile, into output: borrowing FileDescriptor, path: String
  ) throws(ImageError) -> [String] {
    guard file.load(UInt64.self, at: 16)?.byteSwapped == 1, file.load(UInt64.self, at: 24)?.byteSwapped == 1
    else { throw .corrupt(path, offset: 16, problem: "type or version of the flattened header is not 1") }
    var position = headerSize
    // The form has the same bytes in another order. What says that it becomes much longer than that would
    // take memory out of proportion, and is mostly zeroes that are no data.
    let longest = file.count * 8 + (1 << 20)
    while let offset = file.load(UInt64.self, at: position)?.byteSwapped,
      let size = file.load(UInt64.self, at: position + 8)?.byteSwapped
    {
      if offset == .max { return [] }
      guard offset <= longest, size <= longest - offset else {
        throw .corrupt(
          path, offset: position, problem: "a record of a flattened dump lies at an impossible place")
      }
      let data = position + recordHeaderSize
      let available = min(size, file.count - data)
      if available > 0 {
        guard file.write(at: data, length: available, to: output, position: offset) else {
          let reason = errno
          if let loss = file.loss { return ["the file \(loss.description)"] }
          throw .system(path, operation: "rearrange its flattened form", reason: errorText(reason))
        }
      }
      if available < size { return ["the file ends within a record of its flattened form"] }
      position = data + size
    }
    return ["the flattened form has no end mark: the file ends early"]
  }
}
