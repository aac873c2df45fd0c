import CMappedFile
import Glibc
import PageTables

/// An open file descriptor, closed when the value ends.
struct FileDescriptor: ~Copyable, Sendable {
  let number: Int32

  deinit { close(number) }

  /// Opens a regular file for reading. Pipes and devices are refused before they can block.
  static func openForReading(_ path: String) throws(ImageError) -> FileDescriptor {
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw ImageError.opening(path, errno) }
    return FileDescriptor(number: number)
  }

  /// An empty, already unlinked file in memory; `path` is used in errors only.
  static func inMemory(_ path: String) throws(ImageError) -> FileDescriptor {
    let name = "/pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    let number = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    guard number >= 0 else {
      throw .system(path, operation: "rearrange in shared memory", reason: errorText(errno))
    }
    shm_unlink(name)
    return FileDescriptor(number: number)
  }

  /// An empty, already unlinked file in the temporary directory; `path` is used in errors only.
  static func temporary(_ path: String) throws(ImageError) -> FileDescriptor {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let name = folder + "/pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    let number = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else {
      throw .system(path, operation: "rearrange in \(folder)", reason: errorText(errno))
    }
    unlink(name)
    return FileDescriptor(number: number)
  }

  /// Size in bytes.
  func regularFileSize(_ path: String) throws(ImageError) -> Int {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw ImageError.opening(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw .isDirectory(path)
    default: throw .notARegularFile(path)
    }
  }
}

/// Read-only bytes that do not move: a mapped file, or constants of the program.
///
/// The only type that holds a pointer to memory that the parsers read; every access is checked against the length.
/// A file may be truncated while it is mapped: checks before and after each read detect bytes that are gone (see
/// `mapped_file.h`); but the rest of the page in which the file now ends reads as zeroes until `loss` is queried.
struct MappedFile: ~Copyable, @unchecked Sendable {
  private let bytes: UnsafeRawBufferPointer
  /// Nil for constants.
  private let mapping: UnsafeMutablePointer<pw_mapping>?

  /// Maps the whole file of `descriptor`; the descriptor may be closed afterwards.
  init(_ descriptor: borrowing FileDescriptor, path: String) throws(ImageError) {
    let size = try descriptor.regularFileSize(path)
    guard size > 0 else { throw .emptyFile(path) }
    guard let mapping = pw_map_file(descriptor.number, UInt64(size)) else {
      throw ImageError.system(path, operation: "map", reason: errorText(errno))
    }
    bytes = UnsafeRawBufferPointer(start: mapping.pointee.start, count: size)
    self.mapping = mapping
  }

  init(path: String) throws(ImageError) {
    try self.init(FileDescriptor.openForReading(path), path: path)
  }

  /// Constants that live as long as the program does.
  init(constants: UnsafePointer<UInt8>, count: Int) {
    bytes = UnsafeRawBufferPointer(start: constants, count: count)
    mapping = nil
  }

  deinit {
    if let mapping { pw_unmap_file(mapping) }
  }

  /// Length in bytes at the time when the file was opened.
  var count: UInt64 { UInt64(bytes.count) }

  /// What the file has lost since it was opened; nil if nothing. Queries the system.
  var loss: FileLoss? {
    guard let mapping else { return nil }
    let isShorter = pw_file_is_shorter(mapping)
    let readable = pw_readable_bytes(mapping)
    return readable < count ? FileLoss(readable: readable, lost: count - readable, isShorter: isShorter) : nil
  }

  /// Whether `length` bytes at `offset` lie in the file as it was opened; safe from overflow.
  func holds(_ offset: UInt64, _ length: UInt64) -> Bool {
    offset <= count && length <= count - offset
  }

  /// Whether `length` bytes at `offset` lie in the file and still exist.
  @inline(__always)
  func canRead(_ offset: UInt64, _ length: UInt64) -> Bool {
    guard holds(offset, length) else { return false }
    guard let mapping, length > 0 else { return true }
    pw_touch(bytes.baseAddress?.advanced(by: Int(offset)), length)
    return offset &+ length <= pw_readable_bytes(mapping)
  }

  /// Whether `length` bytes at `offset`, which have just been read, still existed.
  @inline(__always)
  private func hasRead(_ offset: UInt64, _ length: UInt64) -> Bool {
    guard let mapping else { return true }
    pw_have_read()
    return offset &+ length <= pw_readable_bytes(mapping)
  }

  /// The little-endian integer at `offset`; nil when it does not lie in the file.
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: UInt64) -> Value? {
    let size = UInt64(MemoryLayout<Value>.size)
    guard holds(offset, size) else { return nil }
    let value = Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: type))
    return hasRead(offset, size) ? value : nil
  }

  /// A copy of `length` bytes at `offset`; nil when they do not lie in the file.
  func copy(at offset: UInt64, length: UInt64) -> [UInt8]? {
    guard holds(offset, length) else { return nil }
    let copy = Array(bytes[Int(offset)..<Int(offset + length)])
    return hasRead(offset, length) ? copy : nil
  }

  /// Whether the file has these bytes at `offset`.
  func matches(_ text: StaticString, at offset: UInt64) -> Bool {
    let length = UInt64(text.utf8CodeUnitCount)
    guard holds(offset, length) else { return false }
    let isEqual = text.withUTF8Buffer { wanted in
      bytes[Int(offset)..<Int(offset) + wanted.count].elementsEqual(wanted)
    }
    return hasRead(offset, length) && isEqual
  }

  /// Passes `length` bytes at `offset`, which must lie in the file as it was opened, to `body` without copying.
  ///
  /// - Throws: `notInDump` when the bytes are gone, usually before `body` is called; if they disappear while it
  ///   runs, it sees zeroes, and its result is discarded.
  @inline(__always)
  func withBytes<Result>(
    at offset: UInt64, length: UInt64, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    precondition(holds(offset, length), "range outside the file")
    guard canRead(offset, length) else { throw .notInDump }
    let result = body(UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset &+ length)]).bytes)
    guard hasRead(offset, length) else { throw .notInDump }
    return result
  }

  /// Passes `length` bytes at `offset`, which must lie in the file as it was opened, to `body` in page-sized
  /// pieces, each with its distance from `offset`; skips pieces that are gone.
  @inline(__always)
  func forEachPage(at offset: UInt64, length: UInt64, _ body: (UInt64, RawSpan) -> Void) {
    precondition(holds(offset, length), "range outside the file")
    var done: UInt64 = 0
    while done < length, canRead(offset &+ done, Frame.size) {
      let first = Int(offset &+ done)
      body(done, UnsafeRawBufferPointer(rebasing: bytes[first..<(first &+ Int(Frame.size))]).bytes)
      // Zeroes in place of bytes that disappeared meanwhile end the pass.
      guard hasRead(offset &+ done, Frame.size) else { return }
      done &+= Frame.size
    }
  }

  /// Appends `length` bytes at `offset`, which must lie in the file as it was opened, to `page`.
  func append(at offset: UInt64, length: UInt64, to page: inout PageBuffer) throws(MissingPage) {
    try withBytes(at: offset, length: length) { page.append($0) }
  }

  /// Writes `length` bytes at `offset`, which must lie in the file as it was opened, to another file at `position`;
  /// false, with the reason in `errno`, when that fails.
  func write(
    at offset: UInt64, length: UInt64, to descriptor: borrowing FileDescriptor, position: UInt64
  ) -> Bool {
    precondition(holds(offset, length), "range outside the file")
    var done: UInt64 = 0
    while done < length {
      let written = pwrite(
        descriptor.number, bytes.baseAddress?.advanced(by: Int(offset + done)), Int(length - done),
        Int(position + done))
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return false }
      done += UInt64(written)
    }
    return true
  }

  /// The parts of the file that hold data, ascending; between them are holes, which read as zeroes.
  ///
  /// - Parameter limit: the most parts to tell apart; one more part covers the rest of the file.
  func dataRanges(limit: Int) -> [Range<UInt64>] {
    guard let mapping else { return [0..<count] }
    var found: [Range<UInt64>] = []
    var position: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    while position < count, pw_next_data(mapping, position, &start, &end) {
      guard found.count < limit else {
        found.append(start..<count)
        break
      }
      found.append(start..<end)
      position = end
    }
    return found
  }
}

/// What a file has lost since it was opened.
struct FileLoss: Hashable, Sendable {
  /// Bytes from its start that still exist.
  var readable: UInt64
  /// Bytes that no longer exist.
  var lost: UInt64
  /// Whether the file has become shorter; otherwise the system can no longer read it.
  var isShorter: Bool

  /// For people; follows the file's name.
  var description: String {
    isShorter
      ? "became shorter while it was read: \(pageCount(lost)) missing"
      : "cannot be read any more from file offset \(AddressText.hex(readable)) on: \(pageCount(lost)) missing"
  }
}

/// A page that is assembled from pieces.
package struct PageBuffer {
  fileprivate var storage = InlineArray<512, UInt64>(repeating: 0)
  private(set) var count = 0

  /// An empty one.
  package init() {}

  /// Adds as many of the bytes as still fit.
  mutating func append(_ piece: RawSpan) {
    let length = min(piece.byteCount, Int(Frame.size) - count)
    let position = count
    var span = storage.mutableSpan
    span.withUnsafeMutableBytes { target in
      piece.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(rebasing: target[position...]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[..<length]))
      }
    }
    count += length
  }

  /// Lets a C function fill the whole page; if it returns true, the page counts as full.
  package mutating func fill(_ body: (UnsafeMutableRawPointer) -> Bool) -> Bool {
    var span = storage.mutableSpan
    let filled = span.withUnsafeMutableBytes { target in target.baseAddress.map(body) ?? false }
    count = filled ? Int(Frame.size) : 0
    return filled
  }

  /// Whether every byte is zero.
  var isZero: Bool {
    for index in storage.indices where storage[index] != 0 { return false }
    return true
  }

  /// Passes all 4096 bytes to `body`.
  @inline(__always)
  package func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    body(storage.span.bytes)
  }
}

extension PageBuffer {
  /// Writes the whole page.
  func write(to output: inout OutputFile) throws(ImageError) {
    try output.write(storage.span.bytes)
  }
}
