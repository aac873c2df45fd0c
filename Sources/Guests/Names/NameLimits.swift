/// The maximum lengths of names from a file or a guest. Names longer than any system allows are cut when they are
/// read, so that no later code has to.
enum NameLimit {
  /// For a space or a process: the longest name that a kernel gives a thread, with additions; or a person's own
  /// name for a root.
  static let space = 128
  /// For a region: `PATH_MAX`, and what follows a path.
  static let region = 4096 + 16
  /// For the release of a kernel (`__NEW_UTS_LEN`).
  static let release = 64
  /// For the origin of a space, as stored in a capture.
  static let origin = 32
}

extension StringProtocol {
  /// As many whole Unicode scalars as fit into `limit` bytes; so letters with endless combining marks are cut, too.
  func cut(toBytes limit: Int) -> String {
    let bytes = utf8
    guard let end = bytes.index(bytes.startIndex, offsetBy: limit, limitedBy: bytes.endIndex),
      end != bytes.endIndex
    else { return String(self) }
    var count = 0
    var kept = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      count += UTF8.width(scalar)
      guard count <= limit else { break }
      kept.append(scalar)
    }
    return String(kept)
  }
}
