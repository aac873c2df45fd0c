import Canvas
import Explorer
import Guests
import MemoryImages
import Synchronization

/// The explorer without a terminal: all work is done at once, so a script always gives the same screen.
struct HeadlessExplorer {
  private(set) var explorer: Explorer
  private var size: (width: Int, height: Int)
  private var known: FoundSpaces
  private var sourceName: String
  private var background: BackgroundWork
  private let posted: Posted
  private var coloring: Coloring
  private let glyphs: Glyphs
  private(set) var exitStatus: Int32?
  /// What a script copied last.
  private(set) var clipboard: String?

  private final class Posted: Sendable {
    let events = Mutex<[ExplorerEvent]>([])
  }

  init(_ start: ExplorerStart, width: Int, height: Int, coloring: Coloring, glyphs: Glyphs) {
    size = (width, height)
    self.coloring = coloring
    self.glyphs = glyphs
    known = start.known
    sourceName = start.source.image.name
    explorer = start.makeExplorer(width: width, height: height)
    let posted = Posted()
    self.posted = posted
    background = BackgroundWork(start.source, memory: explorer.memory) { event in
      posted.events.withLock { $0.append(event) }
    }
    begin()
  }

  private mutating func begin() {
    if known.canScan {
      send(.spacesFound(known, isComplete: false))
      explorer.scanStarted()
      perform(.scan)
    } else {
      background.showAtOnce()
    }
    drain()
    send(.notice(""))
  }

  private mutating func open(_ name: String) {
    do {
      let start = try ExplorerStart(opening: name)
      known = start.known
      sourceName = start.source.image.name
      explorer = start.makeExplorer(width: size.width, height: size.height)
      background = BackgroundWork(start.source, memory: explorer.memory) { [posted] event in
        posted.events.withLock { $0.append(event) }
      }
      begin()
    } catch { failure = "\(error)" }
  }

  mutating func run(_ steps: [PlacedStep]) throws {
    for step in steps where exitStatus == nil {
      switch step.step {
      case .key(let key): send(.input(.key(key)))
      case .command(let line): send(.command(line))
      case .begin(let space, let address): send(.begin(space: space, address: address))
      case .size(let width, let height):
        size = (width, height)
        send(.input(.resize(width: width, height: height)))
      case .wait: break
      }
      drain()
      // Nobody is there to press Enter: a tour goes on at once.
      if explorer.isPaused { send(.input(.key(.enter))) }
      // A script whose command fails must not go on as if nothing were.
      guard step.step.canFail else { continue }
      if let failure = failure ?? explorer.problem { throw Failure(step.failure(failure)) }
    }
  }

  /// The screen as it is now.
  var text: String { screen(coloring.theme).text() }

  private func screen(_ theme: Theme) -> Canvas {
    var canvas = Canvas(width: size.width, height: size.height)
    explorer.draw(into: &canvas, theme: theme, glyphs: glyphs)
    return canvas
  }

  /// Writes the screen as it is now into a file.
  func write(to path: String, force: Bool) throws {
    try writeScreen(to: path, of: sourceName, force: force, coloring, screen)
  }

  private var failure: String?

  private mutating func drain() {
    while true {
      let events = posted.events.withLock { events in
        defer { events = [] }
        return events
      }
      if events.isEmpty { return }
      for event in events { send(event) }
    }
  }

  private mutating func send(_ event: ExplorerEvent) {
    let work = explorer.update(event)
    if case .momentTaken = event { background.goOn(with: explorer.memory) }
    for work in work { perform(work) }
  }

  private mutating func perform(_ work: ExplorerWork) {
    switch work {
    case .scan, .cancelScan, .findPhysical, .index, .findSharers, .readNames, .gatherRegions, .copyWalk,
      .proceed, .takeMoment, .compareMoments, .setRunning, .watch, .followStops:
      background.perform(work)
    case .copy(let text): clipboard = text
    case .exportScreen(let path, let force):
      do { try write(to: path, force: force) } catch { failure = "\(error)" }
    case .openSource(let name): open(name)
    case .useTheme(let choice): coloring.choice = choice
    case .useStyle(let role, let style): coloring.use(style, for: role)
    case .quit(let status): exitStatus = status
    case .cancelFindPhysical, .cancelIndex, .endScript, .redraw, .suspend, .bell: break
    }
  }
}
