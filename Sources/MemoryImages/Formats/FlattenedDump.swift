import Glibc
import PageTables

/// Opens makedumpfile's flattened form, in which QEMU writes kdump files: a header of 4096 bytes, then records that
/// consist of a big-endian offset and size, and the bytes that belong there; offset -1 ends the file
/// (makedumpfile's `makedumpfile.h`, `struct makedumpfile_data_header`).
///
/// The records are rearranged into an unnamed file that is no larger than their data: in shared memory, or in the
/// temporary directory if the file is large or shared memory has less than twice the space.
func flattenedImage(
  _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
) throws(ImageError) -> MemoryImage {
  let records = FlattenedRecords(descriptor)
  var bytes: UInt64 = 0
  let warnings = try records.forEach(file, path: path) { record throws(ImageError) in
    bytes = bytes.saturatingAdding(record.size)
  }
  guard bytes > 0 else {
    throw .corrupt(
      path, offset: file.count, problem: "the file ends early: its flattened form has no record")
  }
  let arranged = try emptyFile(for: bytes, path: path)
  try records.rearrange(file, into: arranged, path: path)
  var image = try MemoryImage.openFile(
    arranged, path: path, options: SourceOptions(), mayBeFlattened: false)
  image.format += " (flattened)"
  image.warnings += warnings
  return image
}

private func emptyFile(for bytes: UInt64, path: String) throws(ImageError) -> FileDescriptor {
  if bytes <= FlattenedRecords.mostInMemory {
    do throws(ImageError) {
      let memory = try FileDescriptor.inMemory(path)
      var system = statvfs()
      if fstatvfs(memory.number, &system) == 0, UInt64(system.f_bavail) * UInt64(system.f_frsize) / 2 >= bytes
      {
        return memory
      }
    } catch {
      // On a machine without shared memory, the temporary directory is used.
    }
  }
  return try FileDescriptor.temporary(path)
}

/// A record: `size` bytes at `data` in the file belong at `offset` of the original form.
struct FlattenedRecord {
  var offset: UInt64
  var data: UInt64
  var size: UInt64

  fileprivate mutating func leaveOut(_ length: UInt64) {
    offset += length
    data += length
    size -= length
  }
}

struct FlattenedRecords: ~Copyable {
  /// Beyond this size, a single program should not use shared memory.
  static let mostInMemory: UInt64 = 256 << 20

  private let descriptor: FileDescriptor

  private static let headerSize: UInt64 = 4096
  private static let recordHeaderSize: UInt64 = 16
  /// Runs of zeroes of this length become holes.
  private static let piece: UInt64 = 4096
  /// `SEEK_DATA` (Linux, `lseek(2)`), which the C library's module does not export.
  private static let seekData: Int32 = 3
  /// The size from which on a record is checked for holes.
  private static let largeRecord: UInt64 = 1 << 20

  init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = descriptor
  }

  /// Calls `body` with every record, as far as it lies in the file.
  ///
  /// - Returns: warnings.
  /// - Throws: when a record's offset or size is impossible.
  func forEach(
    _ file: borrowing MappedFile, path: String, _ body: (FlattenedRecord) throws(ImageError) -> Void
  ) throws(ImageError) -> [String] {
    guard file.load(UInt64.self, at: 16)?.byteSwapped == 1, file.load(UInt64.self, at: 24)?.byteSwapped == 1
    else { throw .corrupt(path, offset: 16, problem: "type or version of the flattened header is not 1") }
    var position = Self.headerSize
    // The original form has the same bytes in another order. A file that claims to become much longer would take
    // too much memory, and most of that would be zeroes without data.
    let longest = file.count * 8 + (1 << 20)
    while let offset = file.load(UInt64.self, at: position)?.byteSwapped,
      let size = file.load(UInt64.self, at: position + 8)?.byteSwapped
    {
      if offset == .max { return [] }
      guard offset <= longest, size <= longest - offset else {
        throw .corrupt(
          path, offset: position, problem: "a record of a flattened dump lies at an impossible place")
      }
      let data = position + Self.recordHeaderSize
      let available = min(size, file.count - data)
      if available > 0 { try body(FlattenedRecord(offset: offset, data: data, size: available)) }
      if available < size { return ["the file ends early: within a record of its flattened form"] }
      position = data + size
    }
    return ["the file ends early: its flattened form has no end mark"]
  }

  /// Writes every record to its place; zeroes become holes.
  func rearrange(
    _ file: borrowing MappedFile, into output: borrowing FileDescriptor, path: String
  ) throws(ImageError) {
    var end: UInt64 = 0
    _ = try forEach(file, path: path) { record throws(ImageError) in
      var rest = record
      while rest.size > 0 {
        // Beyond everything written so far, no data needs to be overwritten by zeroes.
        let zeroes = rest.offset >= end ? zeroes(at: rest.data, file, most: rest.size) : 0
        if zeroes > 0 {
          rest.leaveOut(zeroes)
          continue
        }
        var length = min(Self.piece, rest.size)
        while length < rest.size, length < 64 * Self.piece {
          let next = min(Self.piece, rest.size - length)
          if rest.offset + length >= end, isZero(file, rest.data + length, next) { break }
          length += next
        }
        guard file.write(at: rest.data, length: length, to: output, position: rest.offset) else {
          let refused = noRoom(path)
          // Bytes lost from the source are reported at the end; the rest opens as a file that ends early.
          if file.loss != nil { return }
          throw refused
        }
        rest.leaveOut(length)
      }
      end = max(end, rest.offset)
    }
    guard ftruncate(output.number, off_t(end)) == 0 else { throw noRoom(path) }
  }

  /// How many bytes from `data` on are known to be zero: one piece, or all of a hole in the file, which is not
  /// read, as that would fill the page cache.
  private func zeroes(at data: UInt64, _ file: borrowing MappedFile, most: UInt64) -> UInt64 {
    if most >= Self.largeRecord {
      let next = lseek(descriptor.number, off_t(data), Self.seekData)
      if next < 0, errno == ENXIO { return most }
      if next > off_t(data) { return min(most, UInt64(next) - data) }
    }
    let length = min(Self.piece, most)
    return isZero(file, data, length) ? length : 0
  }

  private func isZero(_ file: borrowing MappedFile, _ offset: UInt64, _ length: UInt64) -> Bool {
    let answer = try? file.withBytes(at: offset, length: length) { bytes in
      bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress, buffer.first == 0 else { return buffer.isEmpty }
        return memcmp(start, start + 1, buffer.count - 1) == 0
      }
    }
    return answer == true
  }

  private func noRoom(_ path: String) -> ImageError {
    .system(
      path, operation: "put its flattened form in order in a temporary file",
      reason: errorText(errno) + "; set TMPDIR to a folder with more room")
  }
}
