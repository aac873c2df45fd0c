import ArgumentParser
import PageTables
import Records

struct SharedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shared",
    abstract: "List all space references: where a space uses a table that an earlier space has.",
    discussion: """
      Only the topmost shared table of a branch is listed, in the order of the spaces: each line \
      refers to a table of an earlier space.
      """)

  @OptionGroup var arguments: SharingArguments
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try SharingSource(arguments, json: json)
      source.reportLeftOut()
      var output = StandardOutput(json: json)
      let all = source.spaces
      var references = 0
      var sharing = 0
      source.timings.measure("walk") {
        let walked = forEachSpaceItem(of: all, in: source.memory) { spaceNumber, item in
          if case .reference(let reference, _, _) = item {
            output.put(SharedRecord(reference, space: all[spaceNumber], owner: all[reference.owner]))
          }
          return true
        }
        for space in walked {
          references += Int(clamping: space.references)
          if space.references > 0 { sharing += 1 }
        }
      }
      output.remark("\(references) references, in \(sharing) of \(all.count) spaces")
    }
  }
}
