import ArgumentParser
import PageTables
import Records

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract:
      "List findings: rights that should not exist, entries that make no sense.",
    discussion: """
      writable-executable; user-kernel-memory: user space may use it though it lies in the kernel's part; \
      malformed-entry: reserved bits, on which the processor faults; reserved-bits: those that emulators let \
      pass; table-outside-dump; user-writable-table: user space may write a page table. \
      Findings are an answer: the exit status is 0.
      """)

  @OptionGroup var arguments: SharingArguments
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures {
      let source = try SharingSource(arguments, json: json)
      let index = try source.index()
      let findings = source.timings.measure("check") { source.findings(of: index) }
      let names = try source.opened.names()
      var output = StandardOutput(json: json)
      for finding in findings.all {
        let region = names?.region(at: finding.virtual, in: source.used[finding.spaceNumber])
        output.put(FindingRecord(finding, in: index, region: region))
      }
      switch findings.all.count {
      case 0: output.remark("nothing found")
      case 1: output.remark("1 finding")
      default: output.remark("\(findings.all.count) findings")
      }
      for scheme in findings.schemesWithoutNoExecute {
        output.remark("\(scheme.title) cannot forbid execution: all that is writable is executable")
      }
      for scheme in findings.schemesWithAllExecutable {
        output.remark(
          "\(scheme.title): nothing forbids users execution: all that they may write they may execute")
      }
      for scheme in findings.schemesWithoutWriteProtection {
        output.remark("\(scheme.title): the supervisor may write what is read-only (write protection is off)")
      }
      if !findings.isComplete {
        complain("too much to check everything: some findings may not be listed")
      }
    }
  }
}

extension SharingSource {
  func findings(of index: SpaceIndex) -> Findings {
    Findings(of: index, in: memory) { opened.search.kernelStart(of: used, $0) }
  }
}
