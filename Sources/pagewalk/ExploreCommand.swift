import ArgumentParser
import CFatalSignals
import Explorer
import Glibc
import MemoryImages
import Targets
import Terminal

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore", abstract: "Open the explorer: the spaces as trees, from the root to the PTE.")

  @OptionGroup var arguments: SourceArguments
  @OptionGroup var exploring: ExploringOptions
  @Option(
    help: ArgumentHelp("Begin at this space: its name, process id or root (0x…).", valueName: "S"))
  var space: String?
  @Option(
    help: ArgumentHelp("Begin there: an address, a symbol, a region; all that g takes.", valueName: "ADDRESS")
  )
  var goto: String?

  func run() throws {
    try reportingFailures {
      try exploring.run(
        try OpenedSource(arguments, json: false), reading: arguments.reading,
        goingTo: StartingGoal(space: space, address: goto))
    }
  }
}

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Take a guided tour through a simulated machine and a real Linux guest, both in the program.",
    discussion: """
      With --live it is a tour of a machine that runs, which the program plays: r takes the next moment, and signs (+ - *) \
      mark what changed since the one before; D lists it; :watch 1 takes a moment every second. \
      --script FILE takes the place of the tour, and `--script /dev/null` leaves it out.
      """)

  @Flag(help: "Play a machine that runs: each refresh (r) shows what the next event changed in its tables.")
  var live = false
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var exploring: ExploringOptions

  func run() throws {
    try reportingFailures {
      if live {
        let source = try OpenedSource(SimulatedTarget(), reading, json: false)
        return try exploring.run(source, reading: reading, elseScript: BuiltInImage.liveTour)
      }
      let source = try OpenedSource(reading, json: false) { _ throws(ImageError) in
        try BuiltInImage.machine.open()
      }
      try exploring.run(source, reading: reading, elseScript: BuiltInImage.tour)
    }
  }
}

/// How the explorer runs.
struct ExploringOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Keys and : commands to begin with; - reads standard input.", valueName: "FILE"))
  var script: String?
  @Flag(help: "Run the script without a terminal, and print the last screen as text.")
  var headless = false
  @Option(help: ArgumentHelp("With --headless: the size of the screen.", valueName: "WIDTHxHEIGHT"))
  var size = ScreenSize(80, 24)
  @Option(
    help:
      "Colors: \(ThemeChoice.allCases.map(\.rawValue).joined(separator: ", ")). auto follows the terminal's background."
  )
  var theme: String?
  @Flag(help: "Read no configuration, and keep neither history nor bookmarks nor the last place.")
  var noState = false

  /// - Parameters:
  ///   - goal: where to begin.
  ///   - text: the script where the person names none.
  func run(
    _ source: OpenedSource, reading: ReadingOptions, goingTo goal: StartingGoal? = nil,
    elseScript text: String = ""
  ) throws {
    let start = try ExplorerStart(source, goingTo: goal, script: script, else: text)
    let chosen = try theme.map { name in
      guard let choice = ThemeChoice(rawValue: name) else {
        throw Failure(
          "--theme \(name): is no theme; known: \(ThemeChoice.allCases.map(\.rawValue).joined(separator: ", "))"
        )
      }
      return choice
    }
    if headless {
      var explorer = HeadlessExplorer(
        start, width: size.width, height: size.height, coloring: Coloring(chosen ?? .monochrome),
        glyphs: .unicode)
      try explorer.run(start.steps)
      printText(explorer.text)
      if let status = explorer.exitStatus, status != 0 { throw ExitCode(status) }
      return
    }
    let status: Int32
    let lastWords: String?
    do {
      var session = try ExplorerSession(
        start, usesColor: !reading.noColor, theme: chosen, keepsState: !noState)
      status = session.run()
      lastWords = session.lastWords
    } catch { throw Failure("\(error)") }
    if let lastWords { complain(lastWords) }
    // A shell, or whoever else waits, is to see what ended us.
    if status > 128 { pw_end_by_signal(status - 128) }
    if status != 0 { throw ExitCode(status) }
  }
}
