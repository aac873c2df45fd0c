import ArgumentParser
import Explorer
import MemoryImages
import Targets

struct ScreenshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "screenshot",
    abstract: "Write what the explorer would show after some keys: .txt, .ansi or .svg.")

  @Argument(help: "A memory dump, or demo for the sample that is part of the program.")
  var source: String
  @Flag(help: "With demo: the machine of demo --live, as each r of the keys leaves it.")
  var live = false
  @OptionGroup var reading: ReadingOptions
  @Option(help: ArgumentHelp("The size of the screen.", valueName: "WIDTHxHEIGHT"))
  var size = ScreenSize(120, 40)
  @Option(help: ArgumentHelp("Keys by their names, as in help; \"text\" types it.", valueName: "KEYS"))
  var keys: String?
  @Option(help: ArgumentHelp("Keys and : commands from a file.", valueName: "FILE"))
  var script: String?
  @Option(
    name: [.customLong("theme"), .customLong("colors")],
    help: "Colors; a .svg is for light and dark pages with any.")
  var theme = ThemeChoice.auto
  @Flag(help: "Plain ASCII instead of lines and arrows.")
  var ascii = false
  @Option(name: [.short, .long], help: ArgumentHelp("The file to write; - prints text.", valueName: "FILE"))
  var output: String
  @Flag(help: "Overwrite the file if it exists.")
  var force = false

  func validate() throws {
    guard !live || source == BuiltInImage.guest.rawValue else {
      throw ValidationError("--live belongs to demo; a machine that runs is live as it is")
    }
  }

  func run() throws {
    try reportingFailures {
      let opened =
        live
        ? try OpenedSource(SimulatedTarget(), reading, json: false)
        : try OpenedSource(source, reading, json: false)
      let start = try ExplorerStart(opened, script: script, keys: keys)
      var explorer = HeadlessExplorer(
        start, width: size.width, height: size.height,
        coloring: Coloring(reading.usesColor ? theme : .monochrome),
        glyphs: ascii ? .ascii : .unicode)
      try explorer.run(start.steps)
      if output == "-" {
        printText(explorer.text)
      } else {
        try explorer.write(to: output, force: force)
      }
    }
  }
}

extension ThemeChoice: ExpressibleByArgument {}
