import Explorer
import Glibc
import Guests
import MemoryImages
import PageTables

/// Times what the figures promise, on a dump, each beside what it is held to:
/// `swift run -c release benchmarks DUMP`, or `DUMP index` for the index and moments alone, `DUMP moment` for the last;
/// with `hostile` for a dump, on memories made to blow an index up, and with `pictures` on memories with very many
/// shares and leaves.
@main
struct Benchmarks {
  static func main() throws {
    let onlyIndex = CommandLine.arguments.dropFirst(2) == ["index"]
    let onlyMoment = CommandLine.arguments.dropFirst(2) == ["moment"]
    guard CommandLine.arguments.count == 2 || onlyIndex || onlyMoment else {
      print("usage: benchmarks DUMP [index | moment] | hostile | pictures")
      exit(64)
    }
    if CommandLine.arguments[1] == "hostile" { return HostileBenchmark.run() }
    if CommandLine.arguments[1] == "pictures" { return runPictures() }
    do {
      let image = try MemoryImage.open(CommandLine.arguments[1])
      if onlyMoment { return MomentBenchmark(image).run() }
      let search = SpaceSearch(image)
      let known = try search.known()
      guard let spaces = search.scan(known: known, progress: { _ in true }) else { return }
      let index = IndexBenchmark(image: image, spaces: spaces)
      index.run()
      try DiffBenchmark(index, path: CommandLine.arguments[1]).run()
      MomentBenchmark(image).run()
      if onlyIndex { return }
      timeOpening(image.name)
      timeNames(image.name)
      timeScan(search, known)
      print("\nA key press to its frame, 200x60, 99th percentile (goal 8 ms)")
      print("\nthis dump")
      let guest = search.linuxGuest(spaces)
      let named = guest.map { search.named(spaces, by: $0) } ?? spaces
      var frames = FrameBenchmark(memory: image.memory, spaces: named, guest: guest)
      frames.run()
      print("\n10 million leaves")
      let large = LargeMemory()
      frames = FrameBenchmark(memory: large, spaces: large.spaces)
      frames.run()
    } catch {
      print("\(error)")
      exit(1)
    }
  }

  private static func runPictures() {
    print("1,000 spaces, 16,000 particular shares: a key press to its frame, 200x60 (goal 8 ms)")
    let shared = SharedMemory()
    var frames = FrameBenchmark(memory: shared, spaces: shared.spaces)
    frames.runPictures()
    print("\n10 million leaves")
    let large = LargeMemory()
    frames = FrameBenchmark(memory: large, spaces: large.spaces)
    frames.runPictures()
  }

  /// From nothing to the first screen, without a terminal.
  private static func timeOpening(_ path: String) {
    var durations: [Duration] = []
    for _ in 0..<20 {
      durations.append(
        ContinuousClock().measure {
          guard let image = try? MemoryImage.open(path), let known = try? SpaceSearch(image).known() else {
            return
          }
          _ = FrameBenchmark(memory: image.memory, spaces: known).frame()
        })
    }
    line("open, and draw the first screen", best(durations), goal: .milliseconds(20))
  }

  /// From nothing to the names of all processes, before any scan: the slowest of several runs, as a person has
  /// only one.
  private static func timeNames(_ path: String) {
    var durations: [Duration] = []
    var processes = 0
    for _ in 0..<5 {
      durations.append(
        ContinuousClock().measure {
          guard let image = try? MemoryImage.open(path) else { return }
          let search = SpaceSearch(image)
          guard let known = try? search.known(), let guest = search.linuxGuest(known) else { return }
          processes = search.named(known, by: guest).spaces.count { $0.pid != nil }
        })
    }
    line(
      "names of \(processes) processes", durations.max() ?? .zero, goal: .milliseconds(100),
      of: "the slowest of \(durations.count)")
  }

  /// The search for roots, beside reading every byte of the same memory once from the page cache.
  private static func timeScan(_ search: SpaceSearch, _ known: FoundSpaces) {
    let memory = search.image.memory
    var sum: UInt64 = 0
    let read = measured(5) {
      for range in memory.extent.readable.ranges {
        var address = range.start
        while address < range.end {
          _ = try? memory.withPage(at: address) { page in
            for offset in stride(from: 0, to: 4096, by: 8) { sum &+= page.entry(at: offset, size: 8) }
          }
          address = address.advanced(by: Frame.size)
        }
      }
    }
    let scan = measured(5) { _ = search.scan(known: known) { _ in true } }
    line("search memory for roots", scan, goal: read * 3, of: "3 x reading all memory, sum \(sum & 0xff)")
  }
}

/// The shortest of several runs.
func measured(_ times: Int, _ body: () -> Void) -> Duration {
  best((0..<times).map { _ in ContinuousClock().measure(body) })
}

func best(_ durations: [Duration]) -> Duration { durations.min() ?? .zero }

/// One figure, beside its goal.
func line(_ name: String, _ figure: Duration, goal: Duration, of what: String = "") {
  let verdict = figure <= goal ? "met" : "MISSED"
  let padding = String(repeating: " ", count: max(1, 44 - name.count))
  print(
    "\(name)\(padding)\(milliseconds(figure))   goal \(milliseconds(goal))   \(verdict)"
      + (what.isEmpty ? "" : "   (\(what))"))
}

/// A duration as text, to a thousandth of a millisecond.
func milliseconds(_ duration: Duration) -> String {
  "\(Double(Int(duration / .microseconds(1))) / 1000) ms"
}
