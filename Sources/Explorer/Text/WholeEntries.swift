import Canvas

extension [String] {
  /// The first of these, joined, as many as have room: each whole or not at all.
  func joinedWhole(by separator: String, within width: Int) -> String {
    var text = ""
    for entry in self {
      let longer = text.isEmpty ? entry : text + separator + entry
      guard CellText.width(of: longer) <= width else { break }
      text = longer
    }
    return text
  }
}
