import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// A small Linux in a dump, asked by the names of its processes and symbols.
@Suite struct GuestNameTests {
  private static let processes: [LinuxSystem.Process] = [
    .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
    .init(pid: 8, name: "shell"), .init(pid: 9, name: "helper"), .init(pid: 12, name: "e\u{1b}[31mvil"),
  ]

  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    var system = LinuxSystem(GuestNameTests.processes)
    // 9 runs in the space of 8.
    system.memory.put(LinuxSystem.mm(2), at: LinuxSystem.task(3) + 0x98)
    path = try folder.write("dump", Data(system.core()))
  }

  private func spaces(_ path: String) throws -> [SpaceRecord] {
    try Program.records(SpaceRecord.self, ["spaces", path])
  }

  @Test func spacesHaveTheNamesOfTheirProcesses() throws {
    let spaces = try spaces(path)
    let shell = try #require(spaces.first { $0.pid == 8 })
    #expect(shell.name == "shell" && shell.root.value == LinuxSystem.root(2))
    #expect(shell.namedBy == .tasks)
    #expect(shell.processes.map(\.pid) == [8, 9])
    let kernel = try #require(spaces.first { $0.name == "kernel" })
    #expect(kernel.root.value == LinuxMemory.root && kernel.processes.map(\.name) == ["kthreadd"])
    #expect(spaces.first { $0.pid == 1 }?.foundBy == "cpu 0")
  }

  @Test func aNameOfTheGuestCannotWriteToTheTerminal() throws {
    let run = try Program.run(["spaces", path])
    #expect(run.status == 0)
    #expect(run.output.contains("e?[31mvil") && !run.output.contains("\u{1b}"))
    #expect(run.output.contains("also helper 9"))
  }

  @Test(arguments: [("shell", 2), ("8", 2), ("helper", 2), ("9", 2), ("init", 0)])
  func aSpaceIsMeantByNameOrPid(_ wish: String, _ index: Int) throws {
    let answer = try Program.records(TranslateRecord.self, ["translate", path, "--space", wish, "0"])
    #expect(answer.first?.space.value == LinuxSystem.root(index))
  }

  @Test func aThreadOfTheKernelLeadsToTheKernel() throws {
    let answer = try Program.records(TranslateRecord.self, ["translate", path, "--space", "kthreadd", "0"])
    #expect(answer.first?.space.value == LinuxMemory.root)
  }

  @Test func aCaptureKeepsNamesAndProcesses() throws {
    let capture = folder.path("capture")
    #expect(try Program.run(["capture", path, "-o", capture]).status == 0)
    let before = try spaces(path)
    let after = try spaces(capture)
    #expect(after.map(\.name) == before.map(\.name))
    #expect(after.map(\.pid) == before.map(\.pid))
    #expect(after.map(\.processes) == before.map(\.processes))
    #expect(after.map(\.namedBy) == before.map(\.namedBy))
  }

  @Test(arguments: ["caller_of_areas+0x10", "caller_of_areas+10/0x100", "ffffffff81002010"])
  func aSymbolIsAnAddressAndNamesOne(_ text: String) throws {
    let answer = try Program.records(TranslateRecord.self, ["translate", path, text])
    #expect(answer.first?.va.value == LinuxMemory.image + 0x2010)
    #expect(answer.first?.pa?.value == LinuxMemory.imageStart + 0x2010)
    #expect(answer.first?.symbol == "caller_of_areas+0x10")
    let people = try Program.run(["translate", path, text])
    #expect(people.lines.first?.hasPrefix("0xffffffff81002010  caller_of_areas+0x10") == true)
  }

  @Test func anAddressThatIsNoneDoesNotKeepBackTheOthersAnswers() throws {
    let run = try Program.run(["translate", path, "init_task", "no_such_symbol", "400000", "--json"])
    #expect(run.status == 1 && run.lines.count == 2 && run.errorLines.count == 1)
    #expect(run.lines.first?.contains("\"symbol\":\"init_task\"") == true)
    #expect(run.errors.contains("no_such_symbol"))
    let two = try Program.run(["translate", path, "no_such_symbol", "other_symbol", "400000"])
    #expect(two.status == 1 && two.errorLines.count == 1)
    #expect(two.errors.contains("no_such_symbol") && two.errors.contains("1 more"))
  }

  /// As kernels are built that need no more than a backtrace.
  @Test func whereOnlyFunctionsHaveSymbolsAnUnknownOneSaysSo() throws {
    let system = LinuxSystem(GuestNameTests.processes, hasDataSymbols: false)
    let dump = try folder.write("functions", Data(system.core()))
    let run = try Program.run(["translate", dump, "init_task"])
    #expect(run.status == 1 && run.errorLines.count == 1)
    #expect(run.errors.contains("no data symbols") && !run.errors.contains("did you mean"))
  }

  @Test func swappedLettersAreOneMistake() throws {
    let run = try Program.run(["translate", path, "init_taks"])
    #expect(run.status == 1 && run.errors.contains("did you mean init_task"))
  }

  @Test func aUserAddressHasNoSymbol() throws {
    let answer = try Program.records(TranslateRecord.self, ["translate", path, "400000"])
    #expect(answer.first?.fault == "absent" && answer.first?.symbol == nil)
  }

  @Test func aRangeMayRunFromSymbolToSymbol() throws {
    let ranges = try Program.records(MapRecord.self, ["map", path, "--range", "caller_of_areas..after"])
    #expect(ranges.map(\.va.value) == [LinuxMemory.image + 0x2000])
    #expect(ranges.map(\.length) == [0x100])
  }

  @Test func aSymbolsFrameHasItsAliases() throws {
    let aliases = try Program.records(AliasRecord.self, ["aliases", path, "--space", "init", "init_task"])
    let image = try #require(aliases.first { $0.va.value == LinuxSystem.start })
    #expect(image.pa.value == LinuxSystem.start - LinuxMemory.image + LinuxMemory.imageStart)
    #expect(aliases.contains { $0.spaceName == "shell" && $0.pid == 8 })
  }

  @Test(arguments: [
    ["translate", "no_such_symbol"], ["aliases", "no_such_symbol+8"], ["map", "--range", "no_such_symbol.."],
  ])
  func aSymbolThatIsNoneIsOneLine(_ words: [String]) throws {
    let run = try Program.run([words[0], path] + words.dropFirst())
    #expect(run.status == 1 && run.errorLines.count == 1)
    #expect(run.errors.contains("no_such_symbol") && run.errors.contains("symbols"))
  }

  @Test func timingsNameThePhase() throws {
    let run = try Program.run(["spaces", path, "--timings"])
    let phases = run.errorLines.map { $0.split(separator: " ")[0] }
    #expect(phases == ["open", "names", "spaces", "index", "frames", "memory", "mirrors"])
  }

  @Test func theExplorerShowsTheNames() throws {
    let run = try Program.run(["screenshot", path, "--size", "100x20", "-o", "-"])
    #expect(run.status == 0)
    #expect(run.output.contains("shell") && run.output.contains("kernel"))
  }
}
