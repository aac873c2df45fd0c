import ArgumentParser
import Guests
import MemoryImages
import PageTables
import Records

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract:
      "Write an ELF core with only the page tables and the names of spaces and regions: small, opens like any dump."
  )

  @OptionGroup var arguments: SourceArguments
  @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "FILE"))
  var output: String
  @Flag(help: "Overwrite the file if it exists.")
  var force = false

  func run() throws {
    try reportingFailures {
      guard output != "-" else { throw Failure("a capture cannot go to standard output; name a file") }
      let source = try OpenedSource(arguments, json: false)
      let spaces = try source.allSpaces().spaces
      let frames = source.timings.measure("index") { tableFrames(of: spaces, in: source.image.memory) }
      // Of a capture, a capture says the same.
      let regions =
        try source.names()?.guest.map { CapturedRegions.lines(for: spaces, of: $0) }
        ?? source.image.capture?.regionLines ?? []
      if regions.count >= CapturedRegions.limit {
        complain("\(source.image.name): too many regions; the capture names the first \(regions.count)")
      }
      let contents = CaptureContents(spaceLines: CaptureList(spaces).lines, regionLines: regions)
      let summary = try source.timings.measure("write") {
        try CaptureWriter.write(
          frames: frames, from: source.image.memory, image: source.image, contents: contents, to: output,
          force: force)
      }
      var text = StandardOutput(json: false)
      text.remark(
        "\(printable(output)): \(spaces.count) spaces, \(summary.framesWritten) pages of tables, \(ByteText.rounded(summary.bytes))"
      )
    }
  }

  /// The frames of all tables, ascending.
  private func tableFrames(of spaces: [FoundSpace], in memory: any PhysicalMemory) -> [Frame] {
    var frames: Set<Frame> = []
    for table in SpaceIndex(spaces.map(\.space), memory: memory)?.tables ?? [] {
      let first = table.table.address.frame.number
      let pages = (table.scheme.levels[table.table.level].tableSize + Frame.size - 1) / Frame.size
      for page in 0..<pages { frames.insert(Frame(first &+ page)) }
    }
    return frames.sorted()
  }
}
