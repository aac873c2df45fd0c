import Canvas
import Explorer
import Guests
import MemoryImages
import Synchronization
import Terminal

/// Events from other threads, in the order they came.
private final class Mailbox: Sendable {
  private let events = Mutex<[ExplorerEvent]>([])
  private let waker: Waker

  init(_ waker: Waker) { self.waker = waker }

  func post(_ event: ExplorerEvent) {
    events.withLock { $0.append(event) }
    waker.wake()
  }

  func take() -> [ExplorerEvent] {
    events.withLock { events in
      defer { events = [] }
      return events
    }
  }
}

/// The explorer on a real terminal: an event in, its work out, a screen after each.
struct ExplorerSession: ~Copyable {
  private var terminal: Terminal
  private var explorer: Explorer
  private var background: BackgroundWork
  private var mailbox: Mailbox
  private var known: FoundSpaces
  private var image: MemoryImage
  /// The machine that runs, where the source is one.
  private var machine: LiveMachine?
  private var isLossKnown = false
  private var steps: ArraySlice<PlacedStep>
  private var coloring: Coloring
  /// The theme that the command line names: it comes before the configuration's.
  private let chosenTheme: ThemeChoice?
  private let glyphs: Glyphs
  private var exitStatus: Int32?

  /// Whether configuration and state are read, and state is kept: not where a script or the tour runs, which would find other
  /// keys and places than it was written for.
  private let keepsState: Bool

  init(
    _ start: ExplorerStart, usesColor: Bool, theme chosen: ThemeChoice?, keepsState: Bool
  ) throws(TerminalError) {
    self.keepsState = keepsState && !start.isScripted
    terminal = try Terminal(color: usesColor)
    let capabilities = terminal.capabilities
    chosenTheme = chosen
    coloring = Coloring(
      chosen ?? .auto, colors: capabilities.colors, background: capabilities.background)
    glyphs = capabilities.glyphs
    known = start.known
    image = start.source.image
    machine = start.source.machine
    explorer = start.makeExplorer(width: capabilities.width, height: capabilities.height)
    let mailbox = Mailbox(terminal.makeWaker())
    self.mailbox = mailbox
    background = BackgroundWork(start.source, memory: explorer.memory) { mailbox.post($0) }
    steps = start.steps[...]
  }

  /// What to say once the terminal is the shell's again.
  var lastWords: String? { explorer.lastWords }

  /// Runs until the person leaves; gives the exit status.
  mutating func run() -> Int32 {
    if keepsState { configure() }
    if let chosenTheme { coloring.choice = chosenTheme }
    begin()
    // Where a person said where to begin, it begins there.
    if keepsState { explorer.restore(KeptFiles.keepsakes(of: image), goesThere: steps.isEmpty) }
    while true {
      if let exitStatus {
        keep()
        background.end()
        machine?.target.close()
        return exitStatus
      }
      show()
      let isNaming = background.isNaming
      for event in mailbox.take() { send(event) }
      if !takeStep(isNaming: isNaming) {
        if let event = terminal.nextEvent() { send(.input(event)) }
        // It may have told it meanwhile.
        coloring.background = terminal.capabilities.background
      }
      for event in mailbox.take() { send(event) }
      tellLoss()
    }
  }

  /// Whether the configuration's commands run: one that opened a source would run it anew, without end.
  private var isConfiguring = false

  /// Runs the commands of the person's configuration; what is wrong with it is a warning.
  private mutating func configure() {
    isConfiguring = true
    // Nobody typed these.
    defer {
      explorer.commandHistory = KeptFiles.history()
      isConfiguring = false
    }
    do {
      let path = KeptFiles.configurationPath ?? "config"
      var problems = 0
      for (number, text) in try KeptFiles.configuration() {
        send(.command(text))
        guard let problem = explorer.problem else { continue }
        problems += 1
        guard problems <= Self.configurationProblems else {
          // Most likely it is no configuration.
          send(.warning("\(path), line \(number): too many lines are wrong; the rest is left out"))
          return
        }
        send(.warning("\(path), line \(number): \(problem)"))
      }
    } catch { send(.warning("\(error)")) }
  }

  /// Wrong lines of the configuration that are told one by one.
  private static let configurationProblems = 8

  /// Keeps the bookmarks and the place in this source, and what was typed.
  private func keep() {
    guard keepsState else { return }
    KeptFiles.keep(explorer.keepsakes, of: image, history: explorer.commandHistory)
  }

  /// Says once that the file has lost something while it is shown.
  private mutating func tellLoss() {
    guard !isLossKnown, let loss = image.loss else { return }
    isLossKnown = true
    send(.warning(loss))
  }

  /// Looks for spaces, as soon as a source is there, and a screen: what runs behind takes the processors.
  private mutating func begin() {
    let work = explorer.update(.spacesFound(known, isComplete: !known.canScan))
    if known.canScan { explorer.scanStarted() }
    show()
    background.startNaming()
    if known.canScan { perform(.scan) }
    for work in work { perform(work) }
  }

  /// Goes on with another source. What still runs for the one before posts into a mailbox that nobody opens.
  private mutating func open(_ name: String) {
    do {
      let start = try ExplorerStart(opening: name)
      let size = terminal.capabilities
      background.end()
      keep()
      let typed = explorer.commandHistory
      known = start.known
      image = start.source.image
      machine?.target.close()
      machine = start.source.machine
      isLossKnown = false
      explorer = start.makeExplorer(width: size.width, height: size.height)
      let mailbox = Mailbox(terminal.makeWaker())
      self.mailbox = mailbox
      background = BackgroundWork(start.source, memory: explorer.memory) { mailbox.post($0) }
      // What was typed goes along, also where nothing is kept.
      if keepsState { configure() }
      explorer.commandHistory = typed
      begin()
      if keepsState { explorer.restore(KeptFiles.keepsakes(of: image)) }
    } catch { send(.failure("\(error)")) }
  }

  private mutating func show() {
    let size = terminal.capabilities
    var canvas = Canvas(width: size.width, height: size.height)
    explorer.draw(into: &canvas, theme: coloring.theme, glyphs: glyphs)
    terminal.show(canvas, cursor: explorer.cursor)
  }

  /// Takes the script's next step; false when there is none, or it waits.
  private mutating func takeStep(isNaming: Bool) -> Bool {
    // A tour goes on with Enter; what is done in slices is done before the next step.
    guard let step = steps.first, !explorer.isPaused, !explorer.hasSlices else { return false }
    switch step.step {
    case .wait where explorer.isBusy || explorer.isNaming || isNaming: return false
    case .wait, .size: break
    case .key(let key): send(.input(.key(key)))
    case .begin(let space, let address): send(.begin(space: space, address: address))
    case .command(let line):
      if let pause = step.pause { explorer.tell(pause: pause.number, of: pause.count) }
      send(.command(line))
    }
    if step.step.canFail, let problem = explorer.problem {
      // What follows would be done as if this had been.
      steps = []
      send(.failure(step.failure(problem)))
    }
    // The step itself may have ended the script.
    steps = steps.dropFirst()
    return true
  }

  private mutating func send(_ event: ExplorerEvent) {
    let work = explorer.update(event)
    if case .momentTaken = event { background.goOn(with: explorer.memory) }
    for work in work { perform(work) }
  }

  private mutating func perform(_ work: ExplorerWork) {
    if background.start(work) { return }
    switch work {
    case .copy(let text):
      if !terminal.copy(text) { send(.failure("too long for the terminal's clipboard")) }
    case .exportScreen(let path, let force): exportScreen(path, force: force)
    case .useTheme(let choice): coloring.choice = choice
    case .useStyle(let role, let style): coloring.use(style, for: role)
    case .redraw: terminal.redrawAll()
    case .suspend:
      terminal.suspend()
      // The window may have changed while we were away.
      let size = terminal.capabilities
      send(.input(.resize(width: size.width, height: size.height)))
    case .quit(let status): exitStatus = status
    // A terminal's bell annoys more than the status line helps.
    case .bell: break
    case .endScript: steps = []
    case .openSource(let name):
      guard !isConfiguring else { return send(.failure("a configuration cannot open a source")) }
      open(name)
    case .scan, .cancelScan, .findPhysical, .cancelFindPhysical, .index, .cancelIndex, .findSharers,
      .readNames, .gatherRegions, .copyWalk, .proceed, .takeMoment, .compareMoments, .watch, .followStops,
      .setRunning:
      break
    }
  }

  private mutating func exportScreen(_ path: String, force: Bool) {
    let size = terminal.capabilities
    do {
      try writeScreen(to: path, of: image.name, force: force, coloring) { theme in
        var canvas = Canvas(width: size.width, height: size.height)
        explorer.draw(into: &canvas, theme: theme, glyphs: glyphs)
        return canvas
      }
      send(.notice("written: \(path)"))
    } catch { send(.failure("\(error)")) }
  }
}
