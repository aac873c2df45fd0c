import Glibc

/// Bytes that tests put together field by field.
package struct ImageBytes {
  /// What has been put together so far.
  package var bytes: [UInt8] = []

  /// No bytes yet.
  package init() {}

  /// Appends an integer, least significant byte first.
  package mutating func little<Value: FixedWidthInteger>(_ value: Value) {
    for index in 0..<Value.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> Value(8 * index))) }
  }

  /// Appends an integer, most significant byte first.
  package mutating func big<Value: FixedWidthInteger>(_ value: Value) {
    little(value.byteSwapped)
  }

  /// Appends `text` and zeroes up to `size` bytes.
  package mutating func text(_ text: String, size: Int) {
    bytes += Array(text.utf8.prefix(size))
    bytes += [UInt8](repeating: 0, count: size - min(size, text.utf8.count))
  }

  /// Appends zeroes until the length is a multiple of `alignment`.
  package mutating func pad(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }

  /// Overwrites a little-endian integer that lies at `offset`.
  package mutating func patch<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<Value.bitWidth / 8 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
    }
  }
}

extension [UInt8] {
  /// A copy with a little-endian integer at `offset` overwritten.
  package func patched<Value: FixedWidthInteger>(_ value: Value, at offset: Int) -> [UInt8] {
    var copy = ImageBytes()
    copy.bytes = self
    copy.patch(value, at: offset)
    return copy.bytes
  }
}

/// Memory contents in which every page differs from every other: each 8-byte word tells its own address.
package func imagePages(at address: UInt64, pages: Int) -> [UInt8] {
  var contents = ImageBytes()
  for word in 0..<UInt64(pages * 512) { contents.little((address &+ word &* 8) | 1 << 63) }
  return contents.bytes
}

/// A file in the system's folder for temporary files, removed when the value ends.
package struct ImageFile: ~Copyable {
  /// Where it lies.
  package let path: String

  /// Writes `bytes` to a new file; `name` is part of its name.
  package init(_ bytes: [UInt8], name: String = "image") {
    path = Self.unusedPath(name)
    Self.write(bytes, to: path)
  }

  /// A path in the folder for temporary files that no file has.
  package static func unusedPath(_ name: String) -> String {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return folder + "/pagewalk-test-" + String(UInt64.random(in: 0 ... .max), radix: 36) + "-" + name
  }

  /// Replaces the contents.
  package func replace(with bytes: [UInt8]) { Self.write(bytes, to: path) }

  private static func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else { fatalError("cannot write \(path)") }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { fatalError("cannot write \(path)") }
    fclose(file)
  }

  /// The contents of a file, nil when there is none.
  package static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let size = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: max(size, 0)) { buffer, count in
      count = fread(buffer.baseAddress, 1, buffer.count, file)
    }
  }

  deinit { unlink(path) }
}
