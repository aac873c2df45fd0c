import ArgumentParser
import Guests
import PageTables
import Records

struct GuestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guest",
    abstract:
      "Show what is known about the guest in a memory, how it became known, and which of its data disagree.",
    discussion: """
      A Linux guest is recognized from its memory alone. The kernel keeps its processes in two ways, a list and a \
      tree of pids: processes found in only one of them are reported.
      """)

  @OptionGroup var arguments: SourceArguments
  @Flag(help: "One JSON record.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let found = try source.allSpaces()
      guard let guest = try source.names()?.guest else {
        throw Failure(
          source.image.capture == nil
            ? "\(source.image.name): no guest is known in this memory (only Linux guests are recognized)"
            : "\(source.image.name): a capture holds page tables and names only; pagewalk spaces lists those")
      }
      var output = StandardOutput(json: json)
      let isDisplaced = source.search.memoryBehindHole(found) != nil
      output.put(GuestRecord(guest, spaces: found.spaces, isMemoryDisplaced: isDisplaced))
    }
  }
}
