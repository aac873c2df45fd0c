import Dispatch
import Synchronization

/// The comparison of all spaces, on all processors where there are many.
///
/// The first space, the kernel's where it is known, is compared first: the tables that all spaces share are then known
/// to every processor. What else spaces share may be compared by several.
struct ComparisonWork {
  /// What each processor compared, for each pair of schemes.
  private(set) var parts: [[TableComparison]]
  /// The processor that compared a space, by number.
  private(set) var partOfSpace: [Int]
  private let windows: [[PairedWindow]]
  private let memories: ComparedMemories
  /// Pairs, and missing tables, that all parts began with.
  private var commonPairs = 0
  private var commonMissing: UInt64 = 0

  /// Into so many parts spaces are divided: more processors wait for memory only.
  private static let partCount = 4
  /// With fewer spaces one processor is done before another has begun.
  private static let fewestSpaces = 16
  /// Spaces between two reports of progress, for each processor.
  private static let spacesInRound = 256

  init(
    _ comparisons: [TableComparison], _ windows: [[PairedWindow]], _ memories: ComparedMemories
  ) {
    parts = [comparisons]
    partOfSpace = Array(repeating: 0, count: windows.count)
    self.windows = windows
    self.memories = memories
  }

  var comparedPairs: Int {
    parts.reduce(commonPairs) { sum, part in part.reduce(sum - commonPairs) { $0 + $1.pairs.count } }
  }

  var missingTables: UInt64 {
    parts.reduce(commonMissing) { sum, part in
      part.reduce(sum &- commonMissing) { $0 &+ $1.missingTables }
    }
  }

  /// - Parameter progress: gets the number of spaces compared and of all; returning false cancels.
  /// - Returns: whether all was done.
  mutating func run(_ progress: (Int, Int) -> Bool) -> Bool {
    let all = windows.count
    guard progress(0, all) else { return false }
    guard all > 0 else { return true }
    ComparisonWork.compare(windows[0], with: &parts[0], memories)
    guard all >= ComparisonWork.fewestSpaces else {
      for number in windows.indices.dropFirst() {
        ComparisonWork.compare(windows[number], with: &parts[0], memories)
        guard progress(number, all) else { return false }
      }
      return progress(all, all)
    }
    commonPairs = parts[0].reduce(0) { $0 + $1.pairs.count }
    commonMissing = parts[0].reduce(0) { $0 &+ $1.missingTables }
    let count = ComparisonWork.partCount
    let first = parts[0]
    parts = (0..<count).map { _ in first.map { TableComparison(goingOnFrom: $0) } }
    for start in stride(from: 1, to: all, by: count * ComparisonWork.spacesInRound) {
      guard progress(start, all) else { return false }
      compareRound(start..<min(all, start + count * ComparisonWork.spacesInRound))
    }
    return progress(all, all)
  }

  /// Compares some spaces, each processor its share of them.
  private mutating func compareRound(_ numbers: Range<Int>) {
    let share = (numbers.count + parts.count - 1) / parts.count
    let shares = parts.indices.map { part in
      min(
        numbers.upperBound, numbers.lowerBound + part * share)..<min(
          numbers.upperBound, numbers.lowerBound + (part + 1) * share)
    }
    for (part, numbers) in shares.enumerated() {
      for number in numbers { partOfSpace[number] = part }
    }
    let (windows, memories) = (windows, memories)
    let count = parts.count
    // Each processor takes its part out, so that nothing is copied.
    let kept = Mutex(parts.map(Optional.some))
    parts = []
    DispatchQueue.concurrentPerform(iterations: count) { part in
      guard
        var comparisons = kept.withLock({ kept in
          defer { kept[part] = nil }
          return kept[part]
        })
      else { return }
      for number in shares[part] {
        ComparisonWork.compare(windows[number], with: &comparisons, memories)
      }
      let done = comparisons
      kept.withLock { $0[part] = done }
    }
    parts = kept.withLock { $0.compactMap(\.self) }
  }

  private static func compare(
    _ windows: [PairedWindow], with comparisons: inout [TableComparison],
    _ memories: ComparedMemories
  ) {
    for window in windows {
      guard let old = window.old.tableKey, let new = window.new.tableKey else { continue }
      _ = comparisons[window.comparison].compare(old, new, level: 0, memories)
    }
  }
}
