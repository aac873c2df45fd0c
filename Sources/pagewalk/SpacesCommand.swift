import ArgumentParser
import Guests
import PageTables
import Records

struct SpacesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spaces", abstract: "List every address space: root, scheme, tables, and how it was found.",
    discussion: """
      With --watch, a machine that runs (qmp:, gdb:, pid:, /proc/kcore) is listed again and again until Ctrl-c: \
      + marks a space that is new since the moment before, - one that is gone. A terminal shows the last moment; \
      elsewhere each one is printed below a line with its time.
      """)

  @OptionGroup var arguments: SourceArguments
  @Option(
    help: ArgumentHelp("List a machine that runs every so many seconds, as watch(1).", valueName: "SECONDS"))
  var watch: Double?
  @Option(help: ArgumentHelp("With --watch: end after so many moments.", valueName: "N"))
  var moments: Int?
  @Flag(help: "One JSON record per line; with --watch each has the number of its moment.") var json = false

  func validate() throws {
    if let watch, !(0.1...86_400).contains(watch) {
      throw ValidationError("--watch takes seconds, 0.1 to 86400, not \(watch)")
    }
    if let moments {
      guard watch != nil else { throw ValidationError("--moments belongs to --watch SECONDS") }
      guard moments > 0 else { throw ValidationError("--moments takes a number from 1 on, not \(moments)") }
    }
  }

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      if let watch {
        guard let machine = source.machine else {
          throw Failure(
            "\(source.image.name): nothing changes in a file; --watch is for what runs: qmp:PATH, gdb:PATH, pid:N"
          )
        }
        try SpacesWatch(source, machine, seconds: watch, moments: moments, json: json).run()
      } else {
        try list(source)
      }
    }
  }

  private func list(_ source: OpenedSource) throws {
    let found = try source.allSpaces()
    let names = try source.names()
    guard
      let listing = SpaceListing(found.spaces, names: names, in: source.image.memory, source.timings)
    else { return }
    var output = StandardOutput(json: json)
    for record in listing.records { output.put(record) }
    guard let guest = names?.guest else { return }
    let isDisplaced = source.search.memoryBehindHole(found) != nil
    let record = GuestRecord(guest, spaces: found.spaces, isMemoryDisplaced: isDisplaced)
    for other in record.otherKernels { complain("another kernel in this memory: \(other.summary)") }
    let wrong = record.disagreements
    if !wrong.isEmpty { complain(wrong.joined(separator: "; ") + "; pagewalk guest says more") }
  }
}
