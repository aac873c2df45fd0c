import Canvas
import Explorer
import Guests
import PageTables

/// From an event to the drawn canvas, at 200x60: what a person waits for, but for the terminal itself.
///
/// Work that the explorer does in slices is measured slice by slice, as a key may come between any two; how long
/// all of it took is told beside.
struct FrameBenchmark {
  private var explorer: Explorer
  private let memory: any PhysicalMemory
  private let spaces: FoundSpaces
  private let names: GuestNames?
  /// A machine that runs, in which nothing happens.
  private let source = LiveSource(access: "", canStop: true, isRunning: true)
  private var index: ExplorerIndex?
  private var durations: [Duration] = []
  private var isDrawing = true

  /// - Parameter guest: names everything, where there is one.
  init(memory: any PhysicalMemory, spaces: FoundSpaces, guest: LinuxGuest? = nil) {
    self.memory = memory
    self.spaces = spaces
    names = guest.map { GuestNames($0) }
    explorer = Explorer(memory: memory, sourceName: "dump", formatName: "", warnings: [], live: source)
    send(.input(.resize(width: 200, height: 60)))
    send(.spacesFound(spaces, isComplete: true))
    guard let names else { return }
    send(.guestRead(names))
    send(.commandLinesRead(names.commandLines()))
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
    measure("refresh of a machine that runs", 20) { $0.press("r") }
    measure("page down", 500) { $0.press("PgDn") }
    measure("page up", 500) { $0.press("PgUp") }
    measure("last row, first row", 200) { $0.press("G Home") }
    measure("search over all open rows", 100) { $0.command("search ffffffffffff") }
    measure("go to an address", 200) { $0.command("goto ffffffff81000000") }
    measure("complete a symbol, and go there", 50) {
      $0.press("g \"init_ta\" Tab Enter g \"init_tsk\" Enter Tab Enter")
    }
    measure("open and close a fold", 200) { $0.press("Space") }
    measure("filter the tree", 20) { benchmark in
      benchmark.command("filter x")
      benchmark.command("filter w")
    }
    press("f Ctrl-u Enter")
    measure("who maps it, and back", 100) { $0.press("x Esc") }
    measure("frame, and back", 100) { $0.press("d Esc") }
    measure("the detail's links, and back", 100) { $0.press("Tab j j k Esc") }
    measure("the finder, and back", 20) { $0.press("o \"in\" Down PgDn Tab Esc") }
    measure("compare two spaces, and back", 50) { $0.press("Home = j = j Enter PgDn G Esc") }
    for (name, key) in [
      ("spaces", "s"), ("shared sub-tables", "S"), ("mirrors", "M"), ("findings", "F"),
      ("regions", "R"), ("huge pages", "H"),
    ] {
      measure("list of \(name), and back", 50) { $0.press("\(key) Esc") }
      measure("the same, sorted and filtered", 20) {
        $0.press("\(key) 2 2 f \"ff\" Enter PgDn f Ctrl-u Enter Esc")
      }
    }
    measure("sharing matrix, and back", 50) { $0.press("C PgDn Right Esc") }
    measure("map of the space, and back", 50) { $0.press("V + - Esc") }
    measure("map of all that a space has", 20) { $0.press("V G Enter j PgDn G g g Enter Esc") }
    measure("physical memory, and back", 2) { $0.press("P j PgDn + Esc") }
    measure("help, and back", 100) { $0.press("? Esc") }
  }

  /// The pictures of what spaces share.
  mutating func runPictures() {
    measure("sharing matrix, and back", 20) { $0.press("C Esc") }
    press("C")
    measure("down and right in it", 200) { $0.press("j l") }
    measure("pages of it, last row", 50) { $0.press("PgDn PgDn PgUp G Home") }
    press("Esc")
    measure("map of the space, and back", 50) { $0.press("V + - Esc") }
    measure("physical memory, and back", 2) { $0.press("P j PgDn + Esc") }
  }

  /// Opens every row it comes across, from top to bottom, until a hundred thousand are open.
  private mutating func openMuch() {
    while explorer.rowCount < 100_000 {
      let before = explorer.rowCount
      isDrawing = false
      for _ in 0..<1000 { press("Enter j") }
      isDrawing = true
      if explorer.rowCount == before { return }
    }
  }

  private mutating func press(_ keys: String) {
    for case .key(let key) in (try? Script.parse(keys)) ?? [] { send(.input(.key(key))) }
  }

  private mutating func command(_ line: String) { send(.command(line)) }

  /// One event and its frame, then those that its work answers with.
  private mutating func send(_ first: ExplorerEvent) {
    var events = [first]
    while !events.isEmpty {
      let event = events.removeFirst()
      let start = ContinuousClock.now
      let works = explorer.update(event)
      if isDrawing { _ = frame() }
      durations.append(ContinuousClock.now - start)
      for work in works {
        switch work {
        case .proceed: events.append(.proceed)
        // This runs on another thread in the real program, as the index does.
        case .findSharers(let request, let search):
          events.append(.sharersFound(request: request, search.run()))
        case .readNames(let request, let search):
          events.append(.namesRead(request: request, search.run()))
        case .gatherRegions(let request, let gathering):
          events.append(.regionsGathered(request: request, gathering.run()))
        case .index(let request, let spaces, let census):
          if let index = ExplorerIndex(spaces, census, memory: memory, progress: { _ in true }) {
            self.index = index
            events.append(.indexed(request: request, index))
          }
        case .takeMoment(let request, let base):
          events.append(.momentTaken(request: request, moment(comparedWith: base)))
        default: break
        }
      }
    }
  }

  /// The next moment, made on another thread in the real program.
  private func moment(comparedWith base: KeptMoment) -> TakenMoment {
    let changes = MomentChanges(
      from: base, to: KeptMoment(name: "", memory: memory, spaces: spaces.spaces, names: names))
    return TakenMoment(
      memory: memory, spaces: spaces, names: names, commandLines: names?.commandLines() ?? [:],
      registers: Registers([]), index: index, changes: changes, source: source)
  }

  private mutating func measure(_ name: String, _ times: Int, _ action: (inout FrameBenchmark) -> Void) {
    var all: [Duration] = []
    var longest = Duration.zero
    for _ in 0..<times {
      durations = []
      action(&self)
      all += durations
      longest = max(longest, durations.reduce(.zero, +))
    }
    all.sort()
    let median = milliseconds(all[all.count / 2])
    let high = all[min(all.count - 1, all.count * 99 / 100)]
    let label = name + String(repeating: " ", count: max(1, 32 - name.count))
    let verdict = high <= .milliseconds(8) ? "met" : "MISSED"
    print(
      "\(label)median \(median)   99th percentile \(milliseconds(high))   \(verdict)"
        + "   worst \(milliseconds(all[all.count - 1]))   in all \(milliseconds(longest))")
  }
}
