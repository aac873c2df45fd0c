import Foundation
import Records
import TestSupport
import Testing

/// `spaces --watch`: the table of spaces, moment by moment.
@Suite struct SpacesWatchTests {
  private func watch(_ arguments: String...) throws -> ProgramRun {
    let run = try Program.run(["spaces", "demo-live", "--watch", "0.1"] + arguments)
    #expect(run.status == 0, "\(run.errors)")
    return run
  }

  @Test func eachMomentIsATableBelowItsTime() throws {
    let tables = try watch("--moments", "5").output.components(separatedBy: "\n\n").map {
      $0.split(separator: "\n")
    }
    #expect(tables.count == 5)
    for (number, table) in tables.enumerated() {
      let time = try #require(table.first)
      #expect(time.contains("moment \(number + 1) of demo-live"))
      #expect(time.prefix { $0 != " " }.split(separator: ":").compactMap { Int($0) }.count == 3)
      #expect(table[1].contains("ROOT"))
    }
    // The fork is the third event.
    let marked = tables.map { $0.filter { $0.hasPrefix("+") || $0.hasPrefix("-") } }
    #expect(marked.map(\.count) == [0, 0, 0, 1, 0])
    #expect(marked[3].first?.contains("child") == true)
    #expect(tables[3].first?.contains("1 new") == true)
  }

  @Test func recordsHaveTheNumberOfTheirMoment() throws {
    let run = try watch("--moments", "9", "--json")
    let records = try run.lines.map { line in
      let record = try JSONDecoder().decode(WatchedSpaceRecord.self, from: Data(line.utf8))
      // What is written by hand must be what Codable says.
      let coded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any]
      let written = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(
        Set((coded ?? [:]).keys) == Set((written ?? [:]).filter { !($0.value is NSNull) }.keys), "\(line)")
      return record
    }
    #expect(Set(records.map(\.moment)) == Set(1...9))
    #expect(records.filter { $0.moment == 1 }.map(\.space.name) == ["kernel", "shell", "editor"])
    #expect(
      records.filter { $0.change == .new }.map { "\($0.moment) \($0.space.name)" } == ["4 child", "9 ls"])
    #expect(records.filter { $0.change == .gone }.map { "\($0.moment) \($0.space.name)" } == ["9 child"])
    #expect(records.allSatisfy { ISO8601DateFormatter().date(from: $0.time) != nil })
  }

  @Test func aFileIsRefused() throws {
    let run = try Program.run(["spaces", GuestTruth.all[0].capturePath, "--watch", "1"])
    #expect(run.status == 1 && run.output.isEmpty && run.errorLines.count == 1)
    #expect(run.errors.contains("nothing changes in a file"))
  }

  @Test(arguments: [
    ["--watch", "0"], ["--watch", "soon"], ["--moments", "2"], ["--watch", "1", "--moments", "0"],
  ])
  func wrongUsageIsOneLine(_ arguments: [String]) throws {
    let run = try Program.run(["spaces", "demo-live"] + arguments)
    #expect(run.status == 64 && run.errorLines.count == 1, "\(run.errors)")
  }

  @Test func anInterruptEndsIt() throws {
    let folder = try TemporaryFolder()
    let output = try folder.write("output", Data())
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    // The threads that tests run on block signals, and Foundation's `Process` hands that on.
    let unblock =
      "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp('timeout', sys.argv[1:])"
    process.arguments =
      ["python3", "-c", unblock, "timeout", "--preserve-status", "-s", "INT", "3", Program.path]
      + ["spaces", "demo-live", "--watch", "0.1"]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    try process.run()
    process.waitUntilExit()
    // As a shell tells of a program that a signal ended.
    #expect(process.terminationStatus == 128 + SIGINT)
    let text = try String(contentsOfFile: output, encoding: .utf8)
    #expect(text.contains("moment 2 of demo-live"))
    // Each moment is written as a whole.
    #expect(text.hasSuffix("\n") && !text.hasSuffix("ROOT"))
  }
}
