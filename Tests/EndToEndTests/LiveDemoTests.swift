import Foundation
import TestSupport
import Testing

/// The machine that `demo --live` plays: its tour, and the picture of it in the README.
@Suite struct LiveDemoTests {
  private func screen(_ keys: String) throws -> [Substring] {
    let run = try Program.run(
      ["screenshot", "demo", "--live", "--size", "100x30", "--keys", keys, "-o", "-"])
    #expect(run.status == 0, "\(run.errors)")
    return run.lines
  }

  @Test func theTourGoesToItsEnd() throws {
    let run = try Program.run(["demo", "--live", "--headless", "--size", "100x30"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.first?.contains("moment 6") == true)
    // It ends where the processor is.
    #expect(run.lines[1].contains("PT["))
  }

  @Test func itLooksLikeAMachineThatRuns() throws {
    let first = try screen("")
    #expect(first[0].contains("running"))
    #expect(first.contains { $0.contains("editor") })
    let fork = try screen("r r r")
    #expect(fork[0].contains("moment 4"))
    #expect(fork.contains { $0.hasPrefix("+▸ child") })
    #expect(fork.contains { $0.hasPrefix("*▸ shell") })
    #expect(fork.last?.contains("shell forks") == true)
    #expect(try screen("r r r D").contains { $0.contains("+ new") && $0.contains("child") })
  }

  @Test func theReadmeShowsTheRealScreen() throws {
    let folder = try TemporaryFolder()
    let picture = folder.path("live.svg")
    let keys = "g \"shell:5555556000\" Enter r r r"
    let arguments = ["--size", "120x24", "--keys", keys, "-o", picture]
    #expect(try Program.run(["screenshot", "demo", "--live"] + arguments).status == 0)
    let kept = GuestTruth.samplesFolder + "/live.svg"
    #expect(
      try String(contentsOfFile: picture, encoding: .utf8) == String(contentsOfFile: kept, encoding: .utf8))
  }

  @Test func liveBelongsToTheDemo() throws {
    let run = try Program.run(["screenshot", "demo-machine", "--live", "-o", "-"])
    #expect(run.status == 64 && run.errorLines.count == 1)
  }

  @Test func everyCommandTakesIt() throws {
    #expect(try Program.run(["map", "demo-live", "--space", "shell"]).status == 0)
    let folder = try TemporaryFolder()
    let capture = folder.path("moment.elf")
    #expect(try Program.run(["capture", "demo-live", "-o", capture]).status == 0)
    // Both are its first moment.
    #expect(try Program.run(["diff", capture, "demo-live"]).output == "nothing changed\n")
  }
}
