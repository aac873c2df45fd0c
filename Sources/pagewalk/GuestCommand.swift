import ArgumentParser
import Guests
import PageTables
import Records

struct GuestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guest",
    abstract: "Say what is known of the guest in a memory, how that was known, and what does not agree.",
    discussion: """
      A Linux guest is known by nothing but its memory. The kernel keeps its processes in two ways, a list and a \
      tree of pids: what only one of them has is told.
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
            ? "\(source.image.name): no guest is known in this memory (Linux is what would be)"
            : "\(source.image.name): a capture holds page tables and names only; pagewalk spaces lists those")
      }
      var output = StandardOutput(json: json)
      let isDisplaced = source.search.memoryBehindHole(found) != nil
      output.put(GuestRecord(guest, spaces: found.spaces, isMemoryDisplaced: isDisplaced))
    }
  }
}
