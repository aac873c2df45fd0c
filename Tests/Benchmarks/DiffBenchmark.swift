import CLimit
import Guests
import MemoryImages
import PageTables

/// What changed between two moments, beside the C program that reads the tables of one of them once: two dumps in which
/// nothing changed, which are two files with the same bytes, and two in which every space changed.
struct DiffBenchmark {
  private let index: IndexBenchmark
  /// The same dump once more, mapped at another place: no byte is taken for its own copy.
  private let again: MemoryImage

  init(_ index: IndexBenchmark, path: String) throws {
    self.index = index
    again = try MemoryImage.open(path)
  }

  func run() {
    guard let limit = index.limit(of: index.roots, repeats: 30) else { return }
    let pairs = index.spaces.map { SpacePair(old: $0, new: $0) }
    var changes = 0
    let unchanged = measured(30) { changes = count(pairs, old: index.memory, new: again.memory) }
    line(
      "diff of two dumps in which nothing changed", unchanged, goal: limit.time * 1.5,
      of: "1.5 x limit, \(changes) changes")
    let same = measured(30) { changes = count(pairs, old: index.memory, new: index.memory) }
    line(
      "diff of two moments of one file", same, goal: limit.time * 1.5, of: "1.5 x limit, \(changes) changes")
    let changed = changedMemory()
    let other = measured(30) { changes = count(pairs, old: index.memory, new: changed) }
    line(
      "diff of two dumps, every space changed", other, goal: limit.time * 3,
      of: "3 x limit, \(changes) ranges")
  }

  /// All changes of all spaces; what all spaces have of the kernel once.
  private func count(_ pairs: [SpacePair], old: any PhysicalMemory, new: any PhysicalMemory) -> Int {
    guard let diff = SpaceDiff(old: old, new: new, spaces: pairs) else { return 0 }
    var changes = 0
    for number in pairs.indices {
      diff.forEachChange(ofSpace: number, besides: number == 0 ? nil : 0) { _ in
        changes += 1
        return true
      }
    }
    return changes
  }

  /// The other dump with rights taken from every 16th page of a table, in one table of eight.
  private func changedMemory() -> OverlayMemory {
    let overlay = OverlayMemory(over: again.memory)
    guard let graph = TableGraph(roots: index.roots, scheme: index.scheme, memory: index.memory) else {
      return overlay
    }
    let last = index.scheme.levels.count - 1
    for node in graph.nodes(at: last) where node % 8 == 0 {
      let table = graph.table(node).address
      for slot in stride(from: 0, to: index.scheme.levels[last].entryCount, by: 16) {
        let place = table.advanced(by: UInt64(slot * 8))
        guard let raw = try? overlay.read(at: place, size: 8), raw & 3 == 3 else { continue }
        try? overlay.write([EntryWrite(raw & ~2, size: 8, at: place)])
      }
    }
    return overlay
  }
}
