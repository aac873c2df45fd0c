import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// A small Linux in a dump whose processes have memory: what the commands say of regions, and of who uses what.
@Suite struct GuestRegionTests {
  private static let text: UInt64 = 0x40_0000
  private static let heap: UInt64 = 0x60_0000
  private static let stack: UInt64 = 0x7fff_0000_0000
  private static let arguments = stack + 0x1800
  /// Mapped, and in no region.
  private static let stray: UInt64 = 0x90_0000
  private static let shell = 2

  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = try folder.write("dump", Data(GuestRegionTests.system.core()))
  }

  /// pid 8 has three regions: two pages of text next to each other, a heap with one page of four and one entry that
  /// keeps something, and a stack with the arguments. pid 9 uses the same memory.
  private static var system: LinuxSystem {
    get throws {
      var system = LinuxSystem([
        .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
        .init(pid: 8, name: "shell"), .init(pid: 9, name: "helper"),
        .init(pid: 20, name: "hidden", isListed: false), .init(pid: 21, name: "loose", isInTree: false),
      ])
      system.memory.put(LinuxSystem.mm(shell), at: LinuxSystem.task(3) + 0x98)
      system.putRegions(
        [
          (text..<text + 0x2000, flags: 5), (heap..<heap + 0x4000, flags: 3),
          (stack..<stack + 0x2000, flags: 3),
        ], process: shell)
      let mm = LinuxSystem.mm(shell)
      for (offset, value) in [
        (0x80, heap), (0x88, heap + 0x4000), (0x90, stack + 0x1800), (0x98, arguments),
        (0xa0, arguments + 9),
      ] {
        system.memory.put(value, at: mm + UInt64(offset))
      }
      let space = AddressSpace(
        name: "", root: PhysicalAddress(LinuxSystem.root(shell)), scheme: system.memory.space.scheme)
      let frames: UInt64 = 0x700_0000
      let pages = [text, text + 0x1000, heap, stack + 0x1000, stray]
      for (index, page) in pages.enumerated() {
        system.memory.memory.map(page, to: frames + UInt64(index) * 0x1000, in: space, level: 3, flags: 0x27)
      }
      // Without the present bit.
      system.memory.memory.map(heap + 0x1000, to: 0x123_4000, in: space, level: 3, flags: 0)
      system.memory.memory.addPage(frames + 0x3000)
      system.memory.put(Array("sh\0-c\0ls\0".utf8), at: LinuxMemory.directMap + frames + 0x3800)
      return system
    }
  }

  private func regions(_ arguments: [String]) throws -> [RegionRecord] {
    try Program.records(RegionRecord.self, ["regions"] + arguments)
  }

  @Test func regionsAreThoseOfTheProcessWithWhatIsPresent() throws {
    let regions = try regions([path, "--space", "shell"])
    let own = regions.filter { $0.kind == "user" }
    #expect(own.map(\.va.value) == [Self.text, Self.heap, Self.stack])
    #expect(own.map(\.length) == [0x2000, 0x4000, 0x2000])
    #expect(own.map(\.permissions) == ["r-xp", "rw-p", "rw-p"])
    #expect(own.map(\.name) == ["", "[heap]", "[stack]"])
    #expect(own.map(\.present) == [0x2000, 0x1000, 0x1000])
    #expect(own.map { $0.swapped + $0.marked } == [0, 0x1000, 0])
    #expect(own.map(\.absent) == [0, 0x2000, 0x1000])
    #expect(own[0].pages.map(\.pageSize) == [0x1000] && own[0].pages.map(\.bytes) == [0x2000])
    #expect(regions.allSatisfy { $0.spaceName == "shell" && $0.pid == 8 })
  }

  @Test func entriesThatKeepSomethingCanBeListed() throws {
    let marks = try Program.records(MarkRecord.self, ["map", path, "--space", "shell", "--filter", "marked"])
    #expect(marks.map(\.va.value) == [Self.heap + 0x1000])
    #expect(marks.map(\.entry.value) == [0x123_4000])
    #expect(marks.map(\.length) == [0x1000] && marks.map(\.level) == ["PT"])
    #expect(marks.map(\.region) == ["[heap]"])
    let none = try Program.run([
      "map", path, "--space", "shell", "--filter", "marked", "--range", "0..400000",
    ])
    #expect(none.status == 0 && none.lines.count == 1)
    let wrong = try Program.run(["map", path, "--filter", "marked", "--by-region"])
    #expect(wrong.status == 64)
  }

  /// The kernel swaps out nothing of its own.
  @Test func whatIsKeptInTheKernelsHalfIsNoPlaceInSwapSpace() throws {
    var system = try GuestRegionTests.system
    let root = PhysicalAddress(LinuxSystem.root(Self.shell))
    let space = AddressSpace(name: "", root: root, scheme: system.memory.space.scheme)
    let place: UInt64 = 0xffff_f000_0000_0000
    system.memory.memory.map(place, to: 0x123_4000, in: space, level: 3, flags: 0)
    let dump = try folder.write("marked", Data(system.core()))
    let marks = try Program.records(MarkRecord.self, ["map", dump, "--space", "8", "--filter", "marked"])
    #expect(marks.map(\.va.value) == [Self.heap + 0x1000, place])
    #expect(marks.first?.meaning?.hasPrefix("swap") == true && marks.last?.meaning == nil)
  }

  @Test func allRegionsAreHeadedByAllProcessesOfTheirSpace() throws {
    let run = try Program.run(["regions", path, "--all"])
    #expect(run.lines.contains("shell 8, also helper 9") && run.lines.contains("init 1"))
  }

  @Test func whatIsMappedOutsideOfAllRegionsIsListed() throws {
    let stray = try regions([path, "--space", "8"]).filter { $0.kind == "unlisted" }
    #expect(stray.map(\.va.value) == [Self.stray] && stray.map(\.present) == [0x1000])
  }

  @Test func everyProcessHasItsRegionsOnce() throws {
    let all = try regions([path, "--all"])
    #expect(all.count { $0.name == "[heap]" } == 1)
    #expect(Set(all.map(\.pid)) == [8])
  }

  @Test func peopleReadWhatARegionIs() throws {
    let lines = try Program.run(["regions", path, "--space", "shell"]).lines
    #expect(lines.count == 5)
    #expect(lines[1].hasPrefix("0x400000 ") && lines[1].hasSuffix("anonymous"))
    #expect(lines[2].contains("[heap]") && lines[3].hasSuffix("in no region"))
  }

  @Test func aSpaceTellsTheCommandOfItsProcess() throws {
    let spaces = try Program.records(SpaceRecord.self, ["spaces", path])
    let shell = try #require(spaces.first { $0.pid == 8 })
    #expect(shell.command == ["sh", "-c", "ls"] && shell.threads == 2)
    #expect(spaces.first { $0.pid == 1 }?.command == nil)
    #expect(spaces.first { $0.name == "kernel" }?.threads == 1)
    let people = try Program.run(["spaces", path])
    #expect(people.output.contains("sh -c ls (also helper 9)"))
  }

  @Test func aDisagreementOfTheGuestsListsIsOneLine() throws {
    let run = try Program.run(["spaces", path])
    #expect(run.status == 0 && run.errorLines.count == 1)
    #expect(run.errors.contains("20") && run.errors.contains("21"))
  }

  @Test func theGuestSaysHowItIsKnown() throws {
    let guest = try #require(try Program.records(GuestRecord.self, ["guest", path]).first)
    #expect(guest.system == "linux" && guest.release == "6.99.0-test")
    #expect(guest.processes == 5 && guest.kernelThreads == 1)
    #expect(guest.missingInList == [20] && guest.missingInTree == [21])
    #expect(guest.notes.contains { $0.hasPrefix("VMCOREINFO") } && guest.symbols > 0)
    let people = try Program.run(["guest", path])
    #expect(people.lines.first == "Linux 6.99.0-test" && people.output.contains("does not agree"))
  }

  @Test(arguments: [("guest", "no guest"), ("regions", "no known guest")])
  func withoutAGuestItIsOneLine(_ command: String, _ reason: String) throws {
    let run = try Program.run([command, "demo-machine"])
    #expect(run.status == 1 && run.output.isEmpty && run.errorLines.count == 1)
    #expect(run.errors.contains(reason))
  }

  @Test func anAddressTellsItsRegion() throws {
    let answer = try Program.records(
      TranslateRecord.self, ["translate", path, "--space", "shell", "600000", "900000"])
    #expect(answer.map(\.region) == ["[heap]", nil])
    let aliases = try Program.records(AliasRecord.self, ["aliases", path, "--space", "shell", "600000"])
    #expect(aliases.first { $0.pid == 8 && $0.va.value == Self.heap }?.region == "[heap]")
  }

  @Test func aRangeTellsItsRegionUnlessItLiesInSeveral() throws {
    let system = try Self.system
    var joined = system
    // One region a page: the range of both lies in two.
    joined.putRegions(
      [
        (Self.text..<Self.text + 0x1000, flags: 5), (Self.text + 0x1000..<Self.text + 0x2000, flags: 1),
        (Self.heap..<Self.heap + 0x4000, flags: 3),
      ], process: Self.shell)
    let other = try folder.write("joined", Data(joined.core()))
    let range = ["--space", "shell", "--range", "400000..700000"]
    let before = try Program.records(MapRecord.self, ["map", path] + range)
    #expect(before.map(\.region) == ["anonymous", "[heap]"])
    let after = try Program.records(MapRecord.self, ["map", other] + range)
    #expect(after.map(\.length) == [0x2000, 0x1000] && after.map(\.region) == [nil, "[heap]"])
    let parts = try Program.records(MapRecord.self, ["map", other, "--by-region"] + range)
    #expect(parts.map(\.va.value) == [Self.text, Self.text + 0x1000, Self.heap])
    #expect(parts.map(\.pa.value) == [0x700_0000, 0x700_1000, 0x700_2000])
    #expect(parts.map(\.region) == ["anonymous", "anonymous", "[heap]"])
  }

  @Test(arguments: [("init_tas", "init_task"), ("modulse", "modules"), ("INIT_TASK", "init_task")])
  func aSymbolThatIsAlmostOneIsNamed(_ text: String, _ meant: String) throws {
    let run = try Program.run(["translate", path, text])
    #expect(run.status == 1 && run.errorLines.count == 1)
    #expect(run.errors.contains("did you mean \(meant)"))
  }

  @Test func aCaptureKeepsTheRegions() throws {
    let capture = folder.path("capture")
    #expect(try Program.run(["capture", path, "-o", capture]).status == 0)
    let before = try regions([path, "--space", "shell"])
    let after = try regions([capture, "--space", "shell"])
    #expect(after.map(\.va) == before.map(\.va) && after.map(\.name) == before.map(\.name))
    #expect(after.map(\.present) == before.map(\.present))
    let answer = try Program.records(
      TranslateRecord.self, ["translate", capture, "--space", "shell", "600000"])
    #expect(answer.first?.region == "[heap]")
    // The words of a command are memory of the process, which a capture has none of.
    let spaces = try Program.records(SpaceRecord.self, ["spaces", capture])
    #expect(spaces.first { $0.pid == 8 }?.command == nil)
  }

  @Test func aCaptureThatTellsOfOneProcessListsThatOne() throws {
    let capture = folder.path("capture")
    #expect(try Program.run(["capture", path, "-o", capture]).status == 0)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: capture))
    // The parts of the kernel, which every space has, become lines that say nothing.
    while let place = bytes.range(of: Data("\n*\t".utf8)) { bytes[place.lowerBound + 1] = UInt8(ascii: "?") }
    if let place = bytes.range(of: Data("*\t0xffff".utf8)) { bytes[place.lowerBound] = UInt8(ascii: "?") }
    let run = try Program.run(["regions", folder.write("poor", bytes), "--all"])
    #expect(run.status == 0 && run.output.contains("shell 8") && run.output.contains("[heap]"))
  }

  @Test func aDatabaseHasProcessesAndRegions() throws {
    let file = folder.path("file.sqlite")
    #expect(try Program.run(["export", path, "-o", file]).status == 0)
    let database = try Database(path: file)
    func rows(_ sql: String) throws -> [[String]] {
      var statement = try database.prepare(sql)
      var rows: [[String]] = []
      while try statement.step() {
        rows.append((0..<statement.columnCount).map { statement.text($0) ?? "NULL" })
      }
      return rows
    }
    #expect(
      try rows("SELECT name, command, threads, named_by FROM spaces WHERE pid = 8")
        == [["shell", "sh -c ls", "2", "tasks"]])
    #expect(
      try rows("SELECT name FROM processes WHERE space = (SELECT id FROM spaces WHERE pid = 8) ORDER BY pid")
        == [["shell"], ["helper"]])
    #expect(
      try rows("SELECT va_hex, end_hex, permissions, present, absent FROM v_regions WHERE name = '[heap]'")
        == [["0x600000", "0x604000", "rw-p", "4096", "8192"]])
    #expect(
      try rows("SELECT va_hex, pa_hex, length FROM v_region_mappings WHERE pid = 8 ORDER BY va LIMIT 2")
        == [["0x400000", "0x7000000", "8192"], ["0x600000", "0x7002000", "4096"]])
  }
}
