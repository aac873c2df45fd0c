import Foundation
import TestSupport
import Testing

/// Bad input gives one line on standard error that says what to do, and status 1; wrong usage gives 64.
@Suite struct BadInputTests {
  let sample = GuestTruth.all[0].capturePath

  /// Asserts one line that holds all of `parts`, and status 1.
  private func expectFailure(
    _ arguments: [String], _ parts: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let run = try Program.run(arguments, environment: environment)
    #expect(run.status == 1, sourceLocation: sourceLocation)
    #expect(run.errorLines.count == 1, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.errors.hasPrefix("pagewalk: "), sourceLocation: sourceLocation)
    for part in parts { #expect(run.errors.contains(part), "\(run.errors)", sourceLocation: sourceLocation) }
  }

  @Test(arguments: [
    ("j\n\n:goto zz", ":3: :goto zz: "), ("j\nfoo", ":2: unknown key 'foo'"),
    (":sreach a", "did you mean search?"),
  ])
  func aScriptThatFailsNamesItsFileAndLine(script: String, words: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("script", Data(script.utf8))
    try expectFailure(["demo", "--headless", "--script", path], [path + ":", words])
    if words.first == ":" { try expectFailure(["demo", "--headless", "--script", path], [path + words]) }
  }

  @Test func aScriptWritesAScreenTwiceOnlyIfItSaysSo() throws {
    let folder = try TemporaryFolder()
    let screen = folder.path("pages.txt")
    let careful = try folder.write("careful", Data(":screenshot \(screen)".utf8))
    let forced = try folder.write("forced", Data(":screenshot --force \(screen)".utf8))
    #expect(try Program.run(["explore", "demo", "--headless", "--script", careful]).status == 0)
    try expectFailure(
      ["explore", "demo", "--headless", "--script", careful], ["exists already; --force overwrites it"])
    #expect(try Program.run(["explore", "demo", "--headless", "--script", forced]).status == 0)
  }

  @Test(arguments: [
    (["translat", "x"], "translate"), (["spacs"], "spaces"), (["mirors", "demo", "--json"], "mirrors"),
  ])
  func aMisspelledCommandNamesTheNearOne(arguments: [String], near: String) throws {
    let run = try Program.run(arguments)
    #expect(run.status == 64 && run.errorLines.count == 1)
    #expect(run.errors.hasSuffix("did you mean 'pagewalk \(near)'?\n"), "\(run.errors)")
  }

  @Test func aWordThatIsNearNoCommandIsAFile() throws {
    try expectFailure(["guestimage"], ["guestimage", "no such file"])
  }

  @Test func aFileThatIsNotThere() throws {
    try expectFailure(["spaces", "/no/such/dump"], ["/no/such/dump", "no such file"])
  }

  @Test func anEmptyFile() throws {
    let folder = try TemporaryFolder()
    try expectFailure(["spaces", folder.write("empty", Data())], ["empty"])
  }

  @Test func aDirectory() throws {
    let folder = try TemporaryFolder()
    try expectFailure(["spaces", folder.path("")], ["directory"])
  }

  @Test func anUnknownFormatNamesTheFormats() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("text", Data("not a dump at all".utf8))
    try expectFailure(["spaces", path], ["unknown format", "ELF", "LiME", "--format raw"])
  }

  @Test func aTruncatedDumpIsShownWithAWarning() throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: sample))
    let path = try folder.write("cut", whole.prefix(whole.count / 2))
    let run = try Program.run(["spaces", path])
    #expect(run.status == 0)
    #expect(run.lines.count > 2)
    #expect(run.errors.contains("missing"), "\(run.errors)")
  }

  @Test func aRootOutsideTheDumpNamesThoseInIt() throws {
    try expectFailure(
      ["map", sample, "--root", "x=7fff00000000"],
      ["0x7fff00000000", "outside the dump", "roots in this memory: 0x"])
  }

  @Test func aRootThatIsNoTableNamesThoseInIt() throws {
    // A page of a capture that is a page table at the last level: full of leaves that no root could hold.
    let truth = GuestTruth.all[0]
    let run = try Program.run(["translate", sample, "--json", String(try truth.pages()[0].va, radix: 16)])
    #expect(run.status == 0)
    try expectFailure(["map", sample, "--root", "x=1008"], ["roots in this memory: 0x"])
  }

  @Test func noRootsSaysWhatWasTried() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("zeroes", Data(count: 1 << 20))
    try expectFailure(
      ["spaces", path, "--format", "raw"], ["no page-table roots found", "scan", "--root NAME=PA"])
  }

  @Test func anAddressThatIsNone() throws {
    try expectFailure(["translate", sample, "zz"], ["'zz' is not an address"])
  }

  @Test func anAddressThatIsNotCanonicalNamesTheNearest() throws {
    let run = try Program.run(["translate", sample, "ffff_7fff_ffff_fff0"])
    #expect(run.status == 1)
    #expect(run.output.contains("non-canonical"))
    #expect(run.errors.contains("0xffff800000000000"))
  }

  @Test func anUnknownSpaceNamesOthers() throws {
    try expectFailure(["map", sample, "--space", "nobody"], ["no space 'nobody'", "kernel"])
    try expectFailure(["map", sample, "--space", "0x123"], ["no space '0x123'", "nearest roots: 0x"])
  }

  @Test func anOutputThatExistsIsRefusedUnlessForced() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("there", Data("keep me".utf8))
    try expectFailure(["capture", sample, "-o", path], ["exists", "--force"])
    try expectFailure(["capture", sample, "-o", "-"], ["standard output", "name a file"])
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "keep me")
    #expect(try Program.run(["capture", sample, "--force", "-o", path]).status == 0)
    #expect(try Program.run(["spaces", path]).status == 0)
  }

  @Test func theSourceIsNeverWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("dump")
    try FileManager.default.copyItem(atPath: sample, toPath: path)
    try expectFailure(["capture", path, "--force", "-o", path], ["source itself"])
    #expect(FileManager.default.contentsEqual(atPath: sample, andPath: path))
  }

  @Test(arguments: [["capture"], ["export"]]) func whereStandardOutputGoesIsNoNameForAFile(command: [String])
    throws
  {
    // Program.run redirects it into a regular file, which /dev/stdout leads to. Nothing here asks to replace that link.
    let run = try Program.run(command + [sample, "-o", "/dev/stdout"])
    #expect(run.status == 1)
    #expect(run.output.isEmpty)
    #expect(run.errorLines.count == 1)
    #expect(run.errors.contains("/dev/stdout: ") && !run.errors.contains("--force"), "\(run.errors)")
  }

  @Test func theExplorerWithoutATerminalNamesTheOtherCommands() throws {
    // `setsid` takes the controlling terminal away, should the tests run on one.
    let process = try Program.run([sample], environment: ["TERM": "dumb"])
    #expect(process.status == 1)
    #expect(process.errorLines.count == 1)
    #expect(process.errors.contains("screenshot"))
  }

  @Test(arguments: [
    ["map"], ["map", "x", "--merge", "pa"], ["spaces", "x", "--paging", "vax"],
    ["spaces", "x", "--root", "a=zz"],
    ["map", "x", "--filter", "q"], ["map", "x", "--range", "12"], ["spaces", "x", "--layout", "pc:7"],
    ["spaces", "x", "--c-bit", "7"], ["nonsense", "x", "y"],
  ])
  func wrongUsageHasItsOwnStatus(_ arguments: [String]) throws {
    #expect(try Program.run(arguments).status == 64)
  }

  @Test func namesFromADumpCannotReachTheTerminal() throws {
    let folder = try TemporaryFolder()
    let output = folder.path("capture")
    let root = String(try GuestTruth.all[0].roots()[1].cr3, radix: 16)
    #expect(
      try Program.run(["capture", sample, "--root", "evil\u{1b}[31mname=\(root)", "-o", output]).status == 0)
    let run = try Program.run(["spaces", output])
    #expect(run.output.contains("evil?[31mname"))
    #expect(!run.output.contains("\u{1b}"))
    #expect(!(try Program.run(["spaces", output, "--json"]).output.contains("\u{1b}")))
  }
}

/// What other people's bad input taught us.
@Suite struct HostileInputTests {
  /// Four pages: three tables that fill with pointers to the next, and an empty one: 512^3 paths to nothing.
  private func chain() -> Data {
    var data = Data(count: 0x1000)
    for next in [UInt64(0x2000), 0x3000, 0x4000] {
      for _ in 0..<512 { withUnsafeBytes(of: (next | 0x67).littleEndian) { data.append(contentsOf: $0) } }
    }
    return data + Data(count: 0x40000)
  }

  @Test(arguments: [["spaces"], ["map", "--root", "r=1000"], ["capture", "-o", "/dev/null/x"]])
  func pathsToNothingEnd(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("chain", chain())
    let run = try Program.run([arguments[0], path, "--format", "raw"] + arguments.dropFirst())
    #expect(run.status == 0 || run.status == 1)
    #expect(run.errorLines.allSatisfy { $0.hasPrefix("pagewalk: ") })
  }

  @Test func aTablePointingAtItselfIsAFewRanges() throws {
    let folder = try TemporaryFolder()
    var page = Data()
    for _ in 0..<512 { withUnsafeBytes(of: UInt64(0x1067).littleEndian) { page.append(contentsOf: $0) } }
    let path = try folder.write("self", Data(count: 0x1000) + page + Data(count: 0x40000))
    let run = try Program.run(
      ["map", path, "--format", "raw", "--root", "r=1000", "--paging", "x86-64", "--json"])
    #expect(run.status == 0)
    // The first table's 512 pages one by one, the rest as one range in each half.
    #expect(run.lines.count == 2 * 513)
    #expect(run.lines.filter { $0.contains("\"oneFrame\":true") }.count == 2)
  }

  @Test func theScreenshotNeverWritesTheSource() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("dump.txt")
    try FileManager.default.copyItem(atPath: GuestTruth.all[0].capturePath, toPath: path)
    let run = try Program.run(["screenshot", path, "--force", "-o", path])
    #expect(run.status == 1)
    #expect(FileManager.default.contentsEqual(atPath: GuestTruth.all[0].capturePath, andPath: path))
  }

  @Test func wrongUsageIsOneLine() throws {
    let run = try Program.run(["screenshot", "demo", "--size", "0x0", "-o", "x.txt"])
    #expect(run.status == 64 && run.errorLines.count == 1)
    #expect(run.errors.hasPrefix("pagewalk: "))
  }

  @Test func aScriptThatFailsSaysSo() throws {
    let folder = try TemporaryFolder()
    for line in [":nosuch", ":goto zz"] {
      let script = try folder.write("script", Data(line.utf8))
      let run = try Program.run(["demo", "--headless", "--script", script])
      #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    }
  }
}
