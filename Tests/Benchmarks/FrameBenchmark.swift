import Canvas
import Explorer
import Guests
import PageTables

/// From a key to the drawn canvas, at 200×60: what a person waits for, but for the terminal itself.
struct FrameBenchmark {
  private var explorer: Explorer

  init(memory: any PhysicalMemory, spaces: FoundSpaces) {
    explorer = Explorer(memory: memory, sourceName: "dump", formatName: "", warnings: [])
    _ = explorer.update(.input(.resize(width: 200, height: 60)))
    _ = explorer.update(.spacesFound(spaces, isComplete: true))
  }

  /// The screen as it is now, drawn.
  func frame() -> Canvas {
    var canvas = Canvas(width: 200, height: 60)
    explorer.draw(into: &canvas, theme: .color256, glyphs: .unicode)
    return canvas
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
          _ = frame()
        })
    }
    durations.sort()
    let median = milliseconds(durations[durations.count / 2])
    let high = milliseconds(durations[min(durations.count - 1, durations.count * 99 / 100)])
    let label = name + String(repeating: " ", count: max(0, 30 - name.count))
    print("\(label)  median \(median)   99th percentile \(high)")
  }
}
