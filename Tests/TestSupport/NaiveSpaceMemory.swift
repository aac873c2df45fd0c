import PageTables

/// A second opinion on what spaces use: adds up pages that somebody else found, stretch by stretch of memory. It shares
/// nothing with the engine but the words.
package struct NaiveSpaceMemory {
  /// A mapping that is open to the user.
  package struct Mapping {
    package let start: UInt64
    package let length: UInt64

    package init(_ start: UInt64, _ length: UInt64) {
      self.start = start
      self.length = length
    }
  }

  /// Distinct bytes of each space; its bytes, each divided by the number of mappings; and those that are mapped but once.
  package private(set) var resident: [UInt64]
  package private(set) var proportional: [Double]
  package private(set) var sole: [UInt64]

  /// - Parameter isCounted: for each space, whether its mappings count.
  package init(_ spaces: [[Mapping]], isCounted: [Bool]) {
    resident = spaces.map { _ in 0 }
    proportional = spaces.map { _ in 0 }
    sole = spaces.map { _ in 0 }
    let edges = Set(spaces.joined().flatMap { [$0.start, $0.start + $0.length] }).sorted()
    let places = Dictionary(uniqueKeysWithValues: edges.enumerated().map { ($1, $0) })
    // For each stretch between two edges, how often each space maps it.
    let counts = spaces.map { mappings in
      var changes = [Int](repeating: 0, count: edges.count + 1)
      for mapping in mappings {
        changes[places[mapping.start] ?? 0] += 1
        changes[places[mapping.start + mapping.length] ?? 0] -= 1
      }
      var count = 0
      return changes.map { change in
        count += change
        return count
      }
    }
    for (place, (start, end)) in zip(edges, edges.dropFirst()).enumerated() {
      let all = spaces.indices.filter { isCounted[$0] }.reduce(0) { $0 + counts[$1][place] }
      for space in spaces.indices where counts[space][place] > 0 {
        resident[space] += end - start
        proportional[space] += Double(counts[space][place]) * Double(end - start) / Double(max(all, 1))
        if all == 1 && isCounted[space] { sole[space] += end - start }
      }
    }
  }
}
