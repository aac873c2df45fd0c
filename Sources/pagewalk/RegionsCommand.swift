import ArgumentParser
import Guests
import PageTables
import Records

struct RegionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "regions",
    abstract: "List the regions of a process, or the parts of the kernel, and how much of each is present.",
    discussion: """
      The regions are the guest's own, as its /proc/PID/maps has them; what is present, swapped out or absent is \
      counted in the page tables. What is mapped outside of all regions is listed as in no region. --space kernel \
      lists the parts of the kernel, where smaller ones may lie inside of larger ones; the length of a vmalloc area \
      has its guard page in it, which is why 4K of it are absent.
      """)

  @OptionGroup var arguments: SourceArguments
  @Option(help: ArgumentHelp("The space: its name, process id, root (0x…) or cpuN.", valueName: "S"))
  var space: String?
  @Flag(help: "List the regions of every process.")
  var all = false
  @Flag(help: "Also list the parts of the kernel.")
  var kernel = false
  @Flag(help: "One JSON record per line.") var json = false

  func validate() throws {
    if all, space != nil { throw ValidationError("--all and --space exclude each other") }
  }

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let spaces = all ? try everyProcess(source) : [source.named(try source.space(space))]
      guard let names = try source.names() else {
        throw Failure("\(source.image.name): no known guest in this memory, so its regions are unknown")
      }
      var output = StandardOutput(json: json)
      for (spaceNumber, found) in spaces.enumerated() {
        guard let known = names.names(of: found) else {
          // A capture need not tell of every process.
          if all { continue }
          throw Failure("\(source.image.name): nothing is known of the regions of \(found.space.name)")
        }
        if all {
          let others = otherProcesses(found.processes)
          output.remark(
            (spaceNumber > 0 ? "\n" : "")
              + "\(printable(found.space.name)) \(found.pid.map(String.init) ?? "-")"
              + (others.isEmpty ? "" : ", " + others))
        }
        let isRegionless = known.userRegions.isEmpty
        let isKernels = isRegionless && found.pid == nil
        let regions = source.timings.measure("regions") {
          found.space.countedRegions(
            known, user: true, kernel: kernel || isKernels, in: source.image.memory, guest: names.guest)
        }
        if isRegionless, !isKernels, !all {
          complain("\(source.image.name): the regions of \(found.space.name) cannot be determined")
        }
        for region in regions { output.put(RegionRecord(region, space: found.space, pid: found.pid)) }
      }
    }
  }

  /// One space for each process; under page-table isolation the one that the kernel uses.
  private func everyProcess(_ source: OpenedSource) throws -> [FoundSpace] {
    try source.allSpaces().spaces.filter { found in
      if case .userCopy = found.isolation { return false }
      return found.pid != nil
    }
  }
}
