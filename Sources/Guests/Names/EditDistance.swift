/// Compares names with one text; its buffers are reused between comparisons.
struct EditDistance {
  private let wished: [UInt8]
  private let reach: Int
  /// A bit for each letter of the text, by its code modulo 64.
  private let alphabet: UInt64
  private var letters: [UInt8] = []
  private var current: [Int] = []
  private var above: [Int] = []
  private var twoAbove: [Int] = []

  init(_ wished: [UInt8], reach: Int) {
    self.wished = wished
    self.reach = reach
    alphabet = EditDistance.alphabet(of: wished)
  }

  static func lowercased(_ letter: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter) ? letter | 0x20 : letter
  }

  private static func alphabet(of letters: [UInt8]) -> UInt64 {
    letters.reduce(0) { $0 | 1 &<< UInt64($1 & 63) }
  }

  /// The number of letters to insert, remove or change, or of neighbours to swap, to turn one text into the other
  /// (F. J. Damerau, 1964; V. I. Levenshtein, 1966); some number above the reach where it is not within it.
  mutating func distance(to name: ArraySlice<UInt8>) -> Int {
    // Every letter that only one of them has costs a step: told before anything is copied, as most names end here.
    var other: UInt64 = 0
    for letter in name { other |= 1 &<< UInt64(EditDistance.lowercased(letter) & 63) }
    guard max((alphabet & ~other).nonzeroBitCount, (other & ~alphabet).nonzeroBitCount) <= reach else {
      return reach + 1
    }
    letters.removeAll(keepingCapacity: true)
    for letter in name { letters.append(EditDistance.lowercased(letter)) }
    current.removeAll(keepingCapacity: true)
    current.append(contentsOf: 0...letters.count)
    above = current
    twoAbove = current
    for i in wished.indices {
      (twoAbove, above, current) = (above, current, twoAbove)
      current[0] = i + 1
      var nearest = i + 1
      for j in letters.indices {
        var least = min(above[j + 1] + 1, current[j] + 1, above[j] + (wished[i] == letters[j] ? 0 : 1))
        if i > 0, j > 0, wished[i] == letters[j - 1], wished[i - 1] == letters[j] {
          least = min(least, twoAbove[j - 1] + 1)
        }
        current[j + 1] = least
        nearest = min(nearest, least)
      }
      // What follows only adds to it; two neighbours that were swapped count where the second of them stands.
      if nearest > reach + 1 { return reach + 1 }
    }
    return current[letters.count]
  }
}

extension String {
  /// Of some words, in lower case, the one that comes closest to this one; nil where none differs in few letters only.
  package func nearest(among words: some Sequence<String>) -> String? {
    let wished = utf8.map(EditDistance.lowercased)
    guard (2...64).contains(wished.count) else { return nil }
    // With a third of its letters wrong it is a different word.
    let reach = max(1, wished.count / 3)
    var rows = EditDistance(wished, reach: reach)
    var best: (word: String, distance: Int)?
    for word in words {
      let distance = rows.distance(to: Array(word.utf8)[...])
      if distance <= reach, distance < best?.distance ?? .max { best = (word, distance) }
    }
    return best?.word
  }
}
