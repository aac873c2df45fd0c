import ArgumentParser
import PageTables
import Records

struct MirrorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mirrors",
    abstract: "List kernel mappings, outside the direct map, of frames that user space also maps.")

  @OptionGroup var arguments: SharingArguments
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try SharingSource(arguments, json: json)
      let index = try source.index()
      let names = try source.opened.names()
      let mirrors = source.timings.measure("mirrors") {
        Mirrors(of: index, in: source.memory, isInUse: names?.isInUse)
      }
      var output = StandardOutput(json: json)
      var pages: UInt64 = 0
      for mirror in mirrors.all {
        let record = MirrorRecord(
          mirror, in: index,
          userRegion: names?.region(at: mirror.userVA, in: source.used[mirror.spaceNumber]),
          kernelRegion: names?.region(at: mirror.kernelVA, in: source.used[mirror.kernelSpaceNumber]))
        pages &+= record.pages
        output.put(record)
      }
      let givenBack = mirrors.all.count { $0.kind == .givenBack }
      output.remark(
        "\(mirrors.all.count) mirrors, \(pages) pages"
          + (givenBack > 0 ? "; \(givenBack) of them of the kernel's image, given back after boot" : ""))
      if !mirrors.isComplete {
        complain("too many mappings to check them all; some mirrors are not listed")
      }
    }
  }
}
