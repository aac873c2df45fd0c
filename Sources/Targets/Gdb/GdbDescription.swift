/// The description that a stub has of its target's registers (gdb's manual, "Target Descriptions").
enum GdbDescription {
  /// The names of the documents that one includes: `<xi:include href="system-registers.xml"/>`.
  static func included(in document: String) -> [String] {
    tags("xi:include", document).compactMap { attribute("href", $0) }
  }

  /// The numbers of the registers, which `p` takes: where none is given, they count on through all documents.
  static func registerNumbers(_ documents: [String]) -> [String: Int] {
    var numbers: [String: Int] = [:]
    var next = 0
    for document in documents {
      for tag in tags("reg", document) {
        let number = attribute("regnum", tag).flatMap { Int($0) } ?? next
        if let name = attribute("name", tag) { numbers[name] = number }
        next = number &+ 1
      }
    }
    return numbers
  }

  /// What stands between `<name ` and `>`, but not in comments.
  private static func tags(_ name: String, _ document: String) -> [Substring] {
    var tags: [Substring] = []
    var rest = document[...]
    while let start = rest.firstIndex(of: "<") {
      rest = rest[start...].dropFirst()
      if rest.hasPrefix("!--") {
        guard let end = rest.firstRange(of: "-->") else { break }
        rest = rest[end.upperBound...]
        continue
      }
      guard let end = rest.firstIndex(of: ">") else { break }
      let tag = rest[..<end]
      if tag.split(maxSplits: 1, whereSeparator: \.isWhitespace).first.map({ $0 == name }) == true {
        tags.append(tag)
      }
      rest = rest[end...].dropFirst()
    }
    return tags
  }

  private static func attribute(_ name: String, _ tag: Substring) -> String? {
    for quote in ["\"", "'"] {
      guard let start = tag.firstRange(of: " \(name)=\(quote)") else { continue }
      return tag[start.upperBound...].firstIndex(of: quote.first ?? "\"").map {
        String(tag[start.upperBound..<$0])
      }
    }
    return nil
  }
}
