import Glibc
import PageTables

/// The text of a file that a person wrote, or of standard input for `-`.
///
/// - Parameter limit: bytes that it may have; nothing that somebody wrote is longer, and a device would never end.
func readText(_ path: String, limit: Int = 1 << 24) throws -> String {
  // A named pipe that nobody writes to is empty, and not to be waited for.
  let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
  guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
  if descriptor > 0 { _ = fcntl(descriptor, F_SETFL, O_RDONLY) }
  defer { if descriptor > 0 { close(descriptor) } }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &piece, piece.count)
    if count < 0 && errno == EINTR { continue }
    if count < 0 { throw Failure("\(path): \(String(cString: strerror(errno)))") }
    if count == 0 { break }
    bytes += piece[..<count]
    if bytes.count > limit {
      throw Failure("\(path): is too long: more than \(ByteText.exact(UInt64(limit)))")
    }
  }
  // Editors of another system begin files with a mark.
  let mark: [UInt8] = [0xef, 0xbb, 0xbf]
  return String(decoding: bytes.starts(with: mark) ? bytes[mark.count...] : bytes[...], as: UTF8.self)
}
