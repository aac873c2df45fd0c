import Foundation
import Records
import TestSupport
import Testing

/// `pagewalk diff` on two moments made by hand.
@Suite struct DiffCommandTests {
  private let folders = (old: Result { try TemporaryFolder() }, new: Result { try TemporaryFolder() })

  /// The paths of a dump, and of the same after some change.
  private func dumps(_ change: (inout HandMadeDump) -> Void) throws -> (old: String, new: String) {
    let old = HandMadeDump.twoSpaces
    var new = old
    change(&new)
    return (try old.write(in: folders.old.get()), try new.write(in: folders.new.get()))
  }

  private func records(
    _ dumps: (old: String, new: String), _ arguments: String..., status: Int32 = 1
  ) throws -> [DiffRecord] {
    let run = try Program.run(["diff", dumps.old, dumps.new, "--json"] + arguments)
    #expect(run.status == status, "\(run.errors)")
    return try run.lines.map { line in
      let record = try JSONDecoder().decode(DiffRecord.self, from: Data(line.utf8))
      // What is written by hand must be what Codable says.
      let coded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? NSDictionary
      let written = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(coded == (written ?? [:]).filter { !($0.value is NSNull) } as NSDictionary, "\(line)")
      // Scripts may rely on these.
      let keys = ["space", "spaceName", "pid", "change", "va", "length", "old", "new"]
      #expect(keys.allSatisfy { written?[$0] != nil }, "\(line)")
      return record
    }
  }

  @Test func nothingChangedIsStatusZero() throws {
    let dumps = try dumps { _ in }
    let run = try Program.run(["diff", dumps.old, dumps.new])
    #expect(run.status == 0)
    #expect(run.output == "nothing changed\n")
    #expect(try records(dumps, status: 0) == [])
  }

  @Test func rangesAreListedForEachSpaceThatHasThem() throws {
    // A page by the table that two spaces share, the next one after it, and one of the first space alone.
    let dumps = try dumps { dump in
      dump.set(0x4000, [0: 0x8005, 1: 0x9007, 2: 0xa007])
      dump.set(0xb000, [0: 0x222])
    }
    let records = try records(dumps)
    #expect(records.map(\.change) == ["access", "added", "marked", "access", "added"])
    #expect(records.map(\.space.value) == [0x1000, 0x1000, 0x1000, 0xc000, 0xc000])
    #expect(records.map(\.pid) == [11, 11, 11, 12, 12])
    #expect(records.map { $0.va?.value } == [0, 0x1000, 0x80_0000_0000, 0, 0x1000])
    #expect(records.map(\.length) == [0x1000, 0x2000, 0x1000, 0x1000, 0x2000])
    #expect(records[0].old?.pa?.value == 0x8000 && records[0].old?.write == true)
    #expect(records[0].new?.write == false && records[0].new?.user == true)
    #expect(records[1].old == nil && records[1].new?.pa?.value == 0x9000)
    #expect(records[1].new?.pageSize == 4096)
    #expect(records[2].old?.pa?.value == 0x8000 && records[2].new?.mark == "software")
    #expect(records[2].new?.pa == nil)
    let run = try Program.run(["diff", dumps.old, dumps.new])
    #expect(run.status == 1)
    #expect(run.lines.last == "5 ranges of 2 spaces")
    #expect(run.lines.count == 7)
  }

  @Test func accessedAndDirtyBitsCountWhereAskedFor() throws {
    let dumps = try dumps { $0.set(0xb000, [0: 0x8065]) }
    #expect(try records(dumps, status: 0) == [])
    let counted = try records(dumps, "--bits")
    #expect(counted.map(\.change) == ["bits"])
    #expect(counted.first?.new?.flags == ["A", "D"] && counted.first?.old?.flags == [])
  }

  @Test func aSpaceThatCameOrWentIsOneRecord() throws {
    let dumps = try dumps { $0.add(space: "late", pid: 14, root: 0xe000) }
    let added = try records(dumps)
    #expect(added.map(\.change) == ["space-added"])
    #expect(added.first?.spaceName == "late" && added.first?.va == nil)
    let removed = try records((old: dumps.new, new: dumps.old))
    #expect(removed.map(\.change) == ["space-removed"])
    #expect(removed.first?.pid == 14)
  }

  // Asked for, what it maps is listed as well.
  @Test func aSpaceThatIsAskedForIsListedInFull() throws {
    let dumps = try dumps { dump in
      dump.set(0xe000, [0: 0x9007])
      dump.add(space: "late", pid: 14, root: 0xe000)
    }
    let records = try records(dumps, "--space", "late")
    #expect(records.map(\.change) == ["space-added", "added"])
    #expect(records.last?.new?.pa?.value == 0x8000)
    // The others are not.
    #expect(try self.records(dumps, "--space", "two", status: 0) == [])
  }

  @Test func failuresAreStatusTwoAndWrongUsageIsNot() throws {
    let dumps = try dumps { _ in }
    let failures = [
      ["diff", dumps.old, dumps.new + "-missing"], ["diff", dumps.old + "-missing", dumps.new],
      ["diff", dumps.old, dumps.new, "--space", "nobody"],
    ]
    for arguments in failures {
      let run = try Program.run(arguments)
      #expect(run.status == 2)
      #expect(run.errorLines.count == 1, "\(run.errors)")
      #expect(run.output == "")
    }
    for arguments in [["diff", dumps.old], ["diff", dumps.old, dumps.new, "--nonsense"]] {
      #expect(try Program.run(arguments).status == 64)
    }
  }

  @Test func twoFormsOfOneMomentAreEqual() throws {
    let guest = try #require(GuestTruth.all.first { $0.schemeName == "x86-64" })
    let forms = try MemoryForms(of: guest.capturePath, in: folders.new.get())
    for form in [forms.lime, forms.raw] {
      let run = try Program.run(["diff", guest.capturePath, form, "--root", "one=\(try rootOf(guest))"])
      #expect(run.status == 0, "\(run.output)\(run.errors)")
    }
  }

  private func rootOf(_ guest: GuestTruth) throws -> String {
    let root = try #require(try guest.roots().first)
    return hex(try #require(guest.rootAddresses(of: root).first))
  }
}
