import ArgumentParser
import MemoryImages
import PageTables
import Records

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write an SQLite database of all spaces, tables, mappings and what they share.")

  @OptionGroup var arguments: SharingArguments
  @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String
  @Flag(help: "Overwrite the file if it exists.")
  var force = false

  func run() throws {
    try reportingFailures {
      if isSameFile(arguments.source, output) {
        throw Failure("\(output): is the source itself; name another file")
      }
      guard output != "-" else { throw Failure("a database cannot go to standard output; name a file") }
      // First of all: nobody wants to wait for a refusal.
      let file = try OutputFile(path: output, force: force)
      let source = try SharingSource(arguments, json: false)
      let index = try source.index()
      let names = try source.opened.names()
      let mirrors = source.timings.measure("mirrors") {
        Mirrors(of: index, in: source.memory, isInUse: names?.isInUse)
      }
      let findings = source.timings.measure("check") { source.findings(of: index) }
      let summary = try source.timings.measure("write") {
        try DatabaseExport.write(
          source.used, index, mirrors: mirrors, findings: findings,
          names: names, in: source.memory,
          source: source.opened.image.name, programVersion: Pagewalk.configuration.version,
          to: try Database(path: file.temporaryPath, name: output))
      }
      try file.commit()
      var text = StandardOutput(json: false)
      text.remark(
        "\(printable(output)): \(index.spaces.count) spaces, \(summary.tables) tables, \(summary.mappings) mappings, "
          + "\(summary.references) references, \(summary.aliases) aliases, \(summary.mirrors) mirrors, "
          + "\(summary.findings) findings" + (summary.regions > 0 ? ", \(summary.regions) regions" : ""))
      if !summary.isComplete { complain("\(output): too much to list all; meta says complete = 0") }
    }
  }
}
