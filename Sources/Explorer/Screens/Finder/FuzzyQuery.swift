import PageTables

/// What somebody typed into the finder: words that a text must all have, each as letters in their order, with others
/// between them. Case does not count.
struct FuzzyQuery: Equatable, Sendable {
  private let words: [[UInt8]]

  init(_ text: String) {
    words = text.split(whereSeparator: \.isWhitespace).prefix(Self.mostWords).map {
      $0.utf8.map(Self.lowercased)
    }
  }

  /// Nobody types more; what is pasted may have them.
  private static let mostWords = 8
  var wordCount: Int { words.count }

  /// Whether every text answers it.
  var isEmpty: Bool { words.isEmpty }

  /// How well a text answers it; nil where it does not. Letters count more where they stand together, and where a
  /// word of the text begins with them.
  func score(of text: ArraySlice<UInt8>) -> Int? {
    var sum = 0
    for word in words {
      guard let best = Self.score(of: word, in: text) else { return nil }
      sum += best
    }
    return sum
  }

  private static func lowercased(_ letter: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter) ? letter | 0x20 : letter
  }

  private static func isWordLetter(_ letter: UInt8) -> Bool {
    switch letter {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
      true
    default: false
    }
  }

  /// Places where a word may begin that are tried: more of them are found in texts made to be slow only.
  private static let beginnings = 8

  private static func score(of word: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
    var best: Int?
    var tried = 0
    for start in text.indices where lowercased(text[start]) == word[0] {
      // Where the rest does not follow from here, it follows from nowhere behind.
      guard let score = score(of: word, in: text, from: start) else { break }
      best = max(best ?? score, score)
      tried += 1
      if tried == beginnings { break }
    }
    return best
  }

  /// What a letter counts that is found.
  static let letterScore = 16

  private static func score(of word: [UInt8], in text: ArraySlice<UInt8>, from start: Int) -> Int? {
    var score = 0
    var next = 0
    var gap = 0
    var position = start
    while position < text.endIndex {
      if lowercased(text[position]) == word[next] {
        let beginsWord = position == text.startIndex || !isWordLetter(text[position - 1])
        score += letterScore + (beginsWord ? 8 : 0) + (next > 0 && gap == 0 ? 8 : 0) - min(gap, 16)
        gap = 0
        next += 1
        if next == word.count { break }
      } else {
        gap += 1
      }
      position += 1
    }
    guard next == word.count else { return nil }
    let end = position + 1
    let endsWord = end == text.endIndex || !isWordLetter(text[end])
    let isWhole = end - start == word.count && endsWord
    return score + (isWhole ? 8 : 0) + (isWhole && start == text.startIndex ? 8 : 0)
  }
}
