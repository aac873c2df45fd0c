import Glibc

/// Small files of the system that have no size, such as those in `/proc`.
enum SystemFiles {
  /// All bytes of a file; nil, with the reason in `errno`, where it cannot be read.
  static func bytes(_ path: String, limit: Int = 16 << 20) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var all: [UInt8] = []
    while all.count < limit {
      var result = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { target, count in
        result = read(descriptor, target.baseAddress, target.count)
        count = max(0, result)
      }
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { return nil }
      if result == 0 { break }
      all += chunk
    }
    return all
  }

  static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

  /// Names in a folder, without "." and ".."; empty where it cannot be read.
  static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Which file it is: device and inode; nil where there is none.
  static func identity(_ path: String) -> FileIdentity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    // As glibc's major() and minor(), which are macros.
    let device = UInt64(status.st_dev)
    return FileIdentity(
      major: device >> 8 & 0xfff | device >> 32 & ~0xfff,
      minor: device & 0xff | device >> 12 & ~0xff & 0xffff_ffff,
      inode: UInt64(status.st_ino))
  }
}

/// Tells a file from all others, whatever its name is.
struct FileIdentity: Hashable, Sendable {
  var major: UInt64
  var minor: UInt64
  var inode: UInt64
}
