import ArgumentParser
import CFatalSignals
import Glibc
import Guests

@main
struct Pagewalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pagewalk",
    abstract: "Walk the page tables of a memory dump, from the root to the PTE.",
    discussion: """
      `pagewalk DUMP` opens the explorer; ? shows its keys. `pagewalk demo` gives a guided tour, `pagewalk demo --live` one of a machine that runs. The other commands are for scripts and pipes: --json gives one record per line.
      """,
    version: "0.1.0",
    subcommands: [
      ExploreCommand.self, DemoCommand.self, SpacesCommand.self, RegionsCommand.self, GuestCommand.self,
      MapCommand.self, TranslateCommand.self,
      AliasesCommand.self, TablesCommand.self, SharedCommand.self, MirrorsCommand.self, CheckCommand.self,
      DiffCommand.self, GdbScriptCommand.self,
      CaptureCommand.self, ExportCommand.self, ScreenshotCommand.self,
    ],
    defaultSubcommand: ExploreCommand.self)

  /// What to say of a first word that is neither a command nor a file, and looks like a command: the library would
  /// take it for a dump.
  static func complaintAboutCommand(_ arguments: [String]) -> String? {
    guard let word = arguments.first, !word.isEmpty, word.utf8.allSatisfy({ (0x61...0x7a).contains($0) }),
      access(word, F_OK) != 0
    else { return nil }
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard !(names + ["help"]).contains(word), let near = word.nearest(among: names) else { return nil }
    return "there is no command and no file '\(word)'; did you mean 'pagewalk \(near)'?"
  }

  /// As the library's own, but that wrong usage is one line, as every error is.
  static func main() {
    // Whoever starts us with a standard stream closed must not find our words in a file that we write. What was to
    // be written to such a stream fails, as it would have: nobody reads the answer.
    while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 {
      guard descriptor > 2 else { continue }
      close(descriptor)
      break
    }
    // A full file is an error like others, to be reported and cleaned up after.
    signal(SIGXFSZ, SIG_IGN)
    pw_watch_fatal_signals()
    if let complaint = complaintAboutCommand(Array(CommandLine.arguments.dropFirst())) {
      complain(complaint)
      Glibc.exit(ExitCode.validationFailure.rawValue)
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      let code = exitCode(for: error)
      // The library's own exit does not look whether its help was written.
      if code.isSuccess {
        printText(fullMessage(for: error) + "\n")
        Glibc.exit(code.rawValue)
      }
      guard code == .validationFailure else { exit(withError: error) }
      var text = message(for: error)
      if text.last == "." { text.removeLast() }
      complain(text + "; see pagewalk --help")
      Glibc.exit(code.rawValue)
    }
  }
}
