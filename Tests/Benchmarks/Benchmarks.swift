import Canvas
import Explorer
import Glibc
import Guests
import MemoryImages
import PageTables

/// Times what the figures promise, on a dump: `swift run -c release benchmarks DUMP`.
@main
struct Benchmarks {
  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      print("usage: benchmarks DUMP")
      exit(64)
    }
    let path = CommandLine.arguments[1]
    do {
      let image = try MemoryImage.open(path)
      let search = SpaceSearch(image)
      let known = try search.known()
      timeScan(search, known)
      guard let spaces = search.scan(known: known, progress: { _ in true }) else { return }
      var frames = FrameBenchmark(image: image, spaces: spaces)
      frames.run()
    } catch {
      print("\(error)")
      exit(1)
    }
  }

  /// The search for roots, beside reading every byte of the same memory once from the page cache.
  private static func timeScan(_ search: SpaceSearch, _ known: FoundSpaces) {
    let clock = ContinuousClock()
    let memory = search.image.memory
    var sum: UInt64 = 0
    let read = {
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
    read()
    var reads: [Duration] = []
    var scans: [Duration] = []
    for _ in 0..<5 {
      reads.append(clock.measure(read))
      scans.append(clock.measure { _ = search.scan(known: known) { _ in true } })
    }
    let bytes = Double(memory.extent.readable.length) / 1e9
    func rate(_ durations: [Duration]) -> String {
      let seconds = durations.sorted()[durations.count / 2] / .seconds(1)
      return "\(milliseconds(.seconds(seconds)))  (\(Double(Int(bytes / seconds * 10)) / 10) GB/s)"
    }
    print("read all memory   \(rate(reads))  checksum \(sum & 0xffff)")
    print("scan for roots    \(rate(scans))")
  }
}

/// A duration as text, to a thousandth of a millisecond.
func milliseconds(_ duration: Duration) -> String {
  "\(Double(Int(duration / .microseconds(1))) / 1000) ms"
}

/// From a key to the drawn canvas, at 200×60: what a person waits for, but for the terminal itself.
struct FrameBenchmark {
  private var explorer: Explorer
  private let memory: any PhysicalMemory

  init(image: MemoryImage, spaces: FoundSpaces) {
    memory = image.memory
    explorer = Explorer(
      memory: image.memory, sourceName: image.name, formatName: image.format, warnings: [])
    _ = explorer.update(.input(.resize(width: 200, height: 60)))
    _ = explorer.update(.spacesFound(spaces, isComplete: true))
  }

  mutating func run() {
    measure("down, in the list of spaces", 500) { $0.press("j") }
    measure("open and close a space", 200) { $0.press("Enter Left") }
    press("Home")
    openMuch()
    print("rows open: \(explorer.rowCount)")
    measure("down", 500) { $0.press("j") }
    measure("page down", 500) { $0.press("PgDn") }
    measure("page up", 500) { $0.press("PgUp") }
    measure("last row, first row", 200) { $0.press("G Home") }
    measure("search over all open rows", 100) { $0.send(":search ffffffffffff") }
    measure("go to an address", 200) { $0.send(":goto ffffffff81000000") }
    measure("open and close a fold", 200) { $0.press("Space") }
    measure("filter", 50) { explorer in
      explorer.send(":filter x")
      explorer.send(":filter w")
    }
    measure("help and back", 100) { $0.press("? Esc") }
    measure("list of spaces and back", 100) { $0.press("s Esc") }
  }

  /// Opens every row it comes across, from top to bottom, until a hundred thousand are open.
  private mutating func openMuch() {
    while explorer.rowCount < 100_000 {
      let before = explorer.rowCount
      for _ in 0..<1000 { press("Enter j") }
      if explorer.rowCount == before { return }
    }
  }

  private mutating func press(_ keys: String) {
    for case .key(let key) in (try? Script.parse(keys)) ?? [] { _ = explorer.update(.input(.key(key))) }
  }

  private mutating func send(_ line: String) { _ = explorer.update(.command(String(line.dropFirst()))) }

  private mutating func measure(_ name: String, _ times: Int, _ action: (inout FrameBenchmark) -> Void) {
    let clock = ContinuousClock()
    var durations: [Duration] = []
    for _ in 0..<times {
      durations.append(
        clock.measure {
          action(&self)
          var canvas = Canvas(width: 200, height: 60)
          explorer.draw(into: &canvas, theme: .color256, glyphs: .unicode)
        })
    }
    durations.sort()
    let median = milliseconds(durations[durations.count / 2])
    let high = milliseconds(durations[min(durations.count - 1, durations.count * 99 / 100)])
    let label = name + String(repeating: " ", count: max(0, 30 - name.count))
    print("\(label)  median \(median)   99th percentile \(high)")
  }
}
