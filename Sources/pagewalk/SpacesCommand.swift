import ArgumentParser
import Guests
import PageTables
import Records

struct SpacesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spaces", abstract: "List every address space: root, scheme, tables, and how it was found.")

  @OptionGroup var arguments: SourceArguments
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let found = try source.allSpaces()
      let spaces = found.spaces
      var output = StandardOutput(json: json)
      let index = SpaceIndex(
        spaces.map(\.space), memory: source.image.memory, copies: spaces.copies,
        phase: { name, work in source.timings.measure(name, work) })
      guard let index else { return }
      let tables = index.tableCountsOfSpaces
      let bytes = index.bytesMapped
      let guest = try source.names()?.guest
      let memory = source.timings.measure("memory") {
        index.memory(of: spaces, guest: guest, in: source.image.memory)
      }
      guard let memory else { return }
      let users = guest.flatMap(SpaceUsers.init)
      for (spaceNumber, found) in spaces.enumerated() {
        output.put(
          SpaceRecord(
            found, tables: tables[spaceNumber].tables, sharedTables: tables[spaceNumber].shared,
            bytesMapped: bytes[spaceNumber], memory: memory[spaceNumber], users: users))
      }
      guard let guest else { return }
      let isDisplaced = source.search.memoryBehindHole(found) != nil
      let record = GuestRecord(guest, spaces: spaces, isMemoryDisplaced: isDisplaced)
      for other in record.otherKernels { complain("another kernel in this memory: \(other.summary)") }
      let wrong = record.disagreements
      if !wrong.isEmpty { complain(wrong.joined(separator: "; ") + "; pagewalk guest says more") }
    }
  }
}
