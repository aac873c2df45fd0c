/// How long names may be that a file or a guest gives: what no system allows is cut where it comes in, so that nothing
/// that shows or repeats them has to.
enum NameLimit {
  /// Of a space or a process: what a kernel calls its longest thread, and what stands behind such a name; a person's
  /// own name for a root.
  static let space = 128
  /// Of a region: `PATH_MAX`, and what stands behind a path.
  static let region = 4096 + 16
  /// Of the release of a kernel (`__NEW_UTS_LEN`).
  static let release = 64
  /// Of what led to a space, as a capture has it.
  static let origin = 32
}

extension StringProtocol {
  /// As many whole characters of Unicode's as fit into so many bytes; letters with marks without end are cut, too.
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
