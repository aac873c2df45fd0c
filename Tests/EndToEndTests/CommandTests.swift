import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// The commands on real guests' captures: what scripts get.
@Suite struct CommandTests {
  private func records<R: Record>(_ type: R.Type, _ arguments: [String]) throws -> [R] {
    let run = try Program.run(arguments + ["--json"])
    #expect(run.status == 0, "\(run.errors)")
    return try run.lines.map { line in
      let record = try JSONDecoder().decode(type, from: Data(line.utf8))
      // What is written by hand must be what Codable says.
      let coded =
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: any Sendable]
      let written = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable]
      let writtenKeys = Set((written ?? [:]).filter { !($0.value is NSNull) }.keys)
      #expect(Set((coded ?? [:]).keys) == writtenKeys, "\(line)")
      return record
    }
  }

  @Test(arguments: GuestTruth.all)
  func spacesListsEveryRoot(_ guest: GuestTruth) throws {
    let spaces = try records(SpaceRecord.self, ["spaces", guest.capturePath])
    let listed = Set(spaces.map(\.root.value))
    for root in try guest.roots() {
      #expect(listed.isSuperset(of: guest.rootAddresses(of: root)))
    }
    for space in spaces {
      #expect(space.tables >= space.sharedTables && space.tables > 0)
      #expect(space.scheme == guest.schemeName)
    }
  }

  @Test(arguments: GuestTruth.all)
  func mapEachListsTheLeavesOfInfoTLB(_ guest: GuestTruth) throws {
    let rows = try guest.leaves()
    let root = try #require(rows.compactMap(\.root).min())
    let rowsHere = rows.filter { $0.root == root || ($0.root == nil && !guest.isUserCopy(root)) }
    let each = try records(
      MapRecord.self, ["map", guest.capturePath, "--space", "0x" + String(root, radix: 16), "--each"])
    #expect(UInt64(each.count) == rowsHere.reduce(0) { $0 + $1.count })
    for (one, next) in zip(each, each.dropFirst()) { #expect(one.va.value < next.va.value) }
    #expect(each.allSatisfy { $0.entry != nil && $0.level != nil && $0.length == $0.pageSize })
  }

  @Test(arguments: GuestTruth.all)
  func rangesCoverWhatTheLeavesDo(_ guest: GuestTruth) throws {
    let space = ["--space", "kernel"]
    let each = try records(MapRecord.self, ["map", guest.capturePath, "--each"] + space)
    for arguments in [[], ["--merge", "va"]] {
      let ranges = try records(MapRecord.self, ["map", guest.capturePath] + space + arguments)
      #expect(ranges.count < each.count)
      #expect(ranges.reduce(0) { $0 + $1.length } == each.reduce(0) { $0 + $1.length })
    }
  }

  @Test(arguments: GuestTruth.all)
  func translateFindsTheFramesOfThePagemap(_ guest: GuestTruth) throws {
    let pages = try guest.pages()
    let protected = try #require(try guest.roots().first { $0.name == "protect" })
    for root in try guest.roots().prefix(4) + [protected] {
      let here = pages.filter { $0.pid == root.pid && $0.flags.contains("P") }
      let address = guest.rootAddresses(of: root)[0]
      let answers = try records(
        TranslateRecord.self,
        ["translate", guest.capturePath, "--space", "0x" + String(address, radix: 16)]
          + here.map { String($0.va, radix: 16) })
      #expect(answers.count == here.count)
      for (page, answer) in zip(here, answers) {
        #expect(answer.va.value == page.va)
        let frame = page.pfn * 4096
        #expect(answer.pa?.value == frame || (answer.fault == "marked" && answer.markPA?.value == frame))
        #expect(answer.steps.count >= 2 && answer.steps[0].table.value == address)
      }
    }
  }

  @Test func rangeAndFilterNarrowTheMap() throws {
    let path = GuestTruth.all[0].capturePath
    let all = try records(MapRecord.self, ["map", path, "--space", "kernel"])
    let executable = try records(MapRecord.self, ["map", path, "--space", "kernel", "--filter", "x !w"])
    #expect(executable == all.filter { $0.execute && !$0.write })
    #expect(!executable.isEmpty)
    let first = try #require(all.first { $0.length > 0x4000 })
    let start = first.va.value + 0x1000
    let cut = try records(
      MapRecord.self,
      [
        "map", path, "--space", "kernel", "--range",
        "\(String(start, radix: 16))..\(String(start + 0x2000, radix: 16))",
      ])
    #expect(cut.count == 1)
    #expect(cut.first?.va.value == start && cut.first?.length == 0x2000)
    #expect(cut.first?.pa.value == first.pa.value + 0x1000)
  }

  @Test func aFrameThatTheDumpDoesNotHoldIsARemark() throws {
    // The device process maps the text screen, which is no RAM.
    let guest = GuestTruth.all[0]
    let device = try #require(try guest.roots().first { $0.name == "device" })
    let leaf = try #require(try guest.leaves().first { $0.root == device.cr3 && $0.pa == 0xb8000 })
    let answers = try records(
      TranslateRecord.self,
      [
        "translate", guest.capturePath, "--space", "0x" + String(device.cr3, radix: 16),
        String(leaf.va, radix: 16),
      ])
    #expect(answers.first?.pa?.value == 0xb8000)
    #expect(answers.first?.fault == nil)
  }

  @Test func givenRootsAreUsedInTheirOrder() throws {
    let guest = GuestTruth.all[0]
    let roots = try guest.roots().prefix(3).map(\.cr3)
    let arguments = roots.enumerated().flatMap {
      ["--root", "r\($0.offset)=\(String($0.element, radix: 16))"]
    }
    let spaces = try records(SpaceRecord.self, ["spaces", guest.capturePath] + arguments)
    #expect(spaces.map(\.root.value) == Array(roots))
    #expect(spaces.map(\.name) == ["r0", "r1", "r2"])
    #expect(spaces.allSatisfy { $0.foundBy == "given" })
  }

  @Test func timingsGoToStandardErrorAsRecords() throws {
    struct Timing: Decodable { let phase: String; let milliseconds: Double }
    let run = try Program.run([
      "map", GuestTruth.all[0].capturePath, "--space", "kernel", "--json", "--timings",
    ])
    let timings = try run.errorLines.map { try JSONDecoder().decode(Timing.self, from: Data($0.utf8)) }
    #expect(timings.map(\.phase) == ["open", "spaces", "walk"])
  }

  @Test(arguments: GuestTruth.all)
  func aCaptureOfACaptureIsTheSame(_ guest: GuestTruth) throws {
    let folder = try TemporaryFolder()
    let copy = folder.path("copy")
    #expect(try Program.run(["capture", guest.capturePath, "-o", copy]).status == 0)
    for arguments in [
      ["spaces"], ["map", "--space", "kernel"], ["map", "--each"], ["translate", "c1000000"],
    ] {
      let rest = Array(arguments.dropFirst()) + ["--json"]
      let original = try Program.run([arguments[0], guest.capturePath] + rest)
      let again = try Program.run([arguments[0], copy] + rest)
      #expect(original.status == 0 && original.output == again.output)
    }
  }

  @Test(arguments: GuestTruth.all)
  func rawAndLiMEFormsGiveTheSameMap(_ guest: GuestTruth) throws {
    let folder = try TemporaryFolder()
    let forms = try MemoryForms(of: guest.capturePath, in: folder)
    let root = String(guest.rootAddresses(of: try #require(try guest.roots().first))[0], radix: 16)
    let arguments = ["--root", "x=" + root, "--json"]
    let map = try Program.run(["map", guest.capturePath] + arguments)
    #expect(map.lines.count > 50)
    // A capture knows what the dump held that it was made from, and what its regions are called; the others hold what
    // they hold.
    func bare(_ output: String) -> [String] {
      output.split(separator: "\n").map { line in
        let parts = line.replacing(",\"inDump\":false", with: "").split(separator: ",\"region\":\"")
        return parts[0] + (parts.count > 1 ? "}" : "")
      }
    }
    let expected = bare(map.output)
    for (name, path, options) in [("raw", forms.raw, ["--format", "raw"]), ("LiME", forms.lime, [])] {
      let other = try Program.run(["map", path] + options + arguments)
      #expect(bare(other.output) == expected, "\(name)")
    }
  }
}
