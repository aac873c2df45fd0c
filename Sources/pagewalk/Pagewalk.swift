import ArgumentParser

@main
struct Pagewalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pagewalk",
    abstract: "Walk the page tables of a memory dump, from the root to the PTE.",
    discussion: """
      `pagewalk DUMP` opens the explorer; ? shows its keys. `pagewalk demo` opens it on a sample that is part of \
      the program. The other commands are for scripts and pipes: --json gives one record a line.
      """,
    version: "0.1.0",
    subcommands: [
      ExploreCommand.self, DemoCommand.self, SpacesCommand.self, MapCommand.self, TranslateCommand.self,
      CaptureCommand.self, ScreenshotCommand.self,
    ],
    defaultSubcommand: ExploreCommand.self)
}
