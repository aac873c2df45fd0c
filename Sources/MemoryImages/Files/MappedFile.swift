import Glibc
import PageTables

/// An open file descriptor, closed when the value ends.
struct FileDescriptor: ~Copyable, Sendable {
  let number: Int32

  deinit { close(number) }

  /// Opens a regular file for reading. A pipe or a device is refused before it can block.
  static func openForReading(_ path: String) throws(ImageError) -> FileDescriptor {
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw ImageError.opening(path, errno) }
    return FileDescriptor(number: number)
  }

  /// An empty file in memory that has no name any more; `path` is what an error names.
  static func inMemory(_ path: String) throws(ImageError) -> FileDescriptor {
    let name = "/pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    let number = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    guard number >= 0 else {
      throw .system(path, operation: "rearrange in shared memory", reason: errorText(errno))
    }
    shm_unlink(name)
    return FileDescriptor(number: number)
  }

  /// An empty file in the folder for temporary files that has no name any more.
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

/// Read-only bytes that stay in place: a mapped file, or constants of the program.
///
/// The one place that holds a pointer to memory that the parsers read; every access is checked against the
/// length. (A file that somebody truncates while it is mapped raises SIGBUS, as in every program that maps.)
struct MappedFile: ~Copyable, @unchecked Sendable {
  private let bytes: UnsafeRawBufferPointer
  private let isMapping: Bool

  /// Maps the whole file of `descriptor`; the descriptor may be closed afterwards.
  init(_ descriptor: borrowing FileDescriptor, path: String) throws(ImageError) {
    let size = try descriptor.regularFileSize(path)
    guard size > 0 else { throw .emptyFile(path) }
    guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor.number, 0), address != MAP_FAILED
    else { throw ImageError.system(path, operation: "map", reason: errorText(errno)) }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    isMapping = true
  }

  init(path: String) throws(ImageError) {
    try self.init(FileDescriptor.openForReading(path), path: path)
  }

  /// Bytes that live as long as the program does.
  init(constants: UnsafePointer<UInt8>, count: Int) {
    bytes = UnsafeRawBufferPointer(start: constants, count: count)
    isMapping = false
  }

  deinit {
    if isMapping { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
  }

  /// Length in bytes.
  var count: UInt64 { UInt64(bytes.count) }

  /// Whether `length` bytes at `offset` lie in the file; no sum can overflow.
  func holds(_ offset: UInt64, _ length: UInt64) -> Bool {
    offset <= count && length <= count - offset
  }

  /// The little-endian integer at `offset`, nil when it does not lie in the file.
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: UInt64) -> Value? {
    guard holds(offset, UInt64(MemoryLayout<Value>.size)) else { return nil }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: type))
  }

  /// A copy of `length` bytes at `offset`, nil when they do not lie in the file.
  func copy(at offset: UInt64, length: UInt64) -> [UInt8]? {
    guard holds(offset, length) else { return nil }
    return Array(bytes[Int(offset)..<Int(offset + length)])
  }

  /// Whether the file has these bytes at `offset`.
  func matches(_ text: StaticString, at offset: UInt64) -> Bool {
    guard holds(offset, UInt64(text.utf8CodeUnitCount)) else { return false }
    return text.withUTF8Buffer { wanted in
      bytes[Int(offset)..<Int(offset) + wanted.count].elementsEqual(wanted)
    }
  }

  /// Hands `length` bytes at `offset`, which must lie in the file, to `body` without copying.
  @inline(__always)
  func withBytes<Result, Failure: Error>(
    at offset: UInt64, length: UInt64, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(holds(offset, length), "range outside the file")
    return try body(
      UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset &+ length)]).bytes)
  }

  /// Appends `length` bytes at `offset`, which must lie in the file, to `page`.
  func append(at offset: UInt64, length: UInt64, to page: inout PageBuffer) {
    withBytes(at: offset, length: length) { page.append($0) }
  }

  /// Writes `length` bytes at `offset`, which must lie in the file, at `position` of another file.
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
}

/// One page that is put together from pieces.
struct PageBuffer {
  fileprivate var storage = InlineArray<512, UInt64>(repeating: 0)
  private(set) var count = 0

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

  /// Lets a C function fill the whole page; the page is full when it says so.
  mutating func fill(_ body: (UnsafeMutableRawPointer) -> Bool) -> Bool {
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

  /// Hands all 4096 bytes to `body`.
  @inline(__always)
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    body(storage.span.bytes)
  }
}

extension PageBuffer {
  /// Writes the whole page.
  func write(to output: inout OutputFile) throws(ImageError) {
    try output.write(storage.span.bytes)
  }
}
