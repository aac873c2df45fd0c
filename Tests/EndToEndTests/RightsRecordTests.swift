import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// What records say of rights that are not one for both privileges, and what `map` says of malformed entries.
@Suite struct RightsRecordTests {
  /// A space of the invented scheme: at 0x1000 a page that the supervisor alone executes, and both write; at 0x2000
  /// one that both may do anything with. Bits: read, write, supervisor executes, user, user executes.
  private func split() -> (space: AddressSpace, memory: TableMemory) {
    var memory = TableMemory()
    let space = memory.makeSpace("split", scheme: InventedScheme.splitRights.scheme(levels: 2))
    memory.map(0x1000, to: 0x5000, in: space, flags: 0xf, tableFlags: 0x1f)
    memory.map(0x2000, to: 0x8000, in: space, flags: 0x1f, tableFlags: 0x1f)
    return (space, memory)
  }

  private func json(_ record: some Record) throws -> String {
    var line = JSONLine()
    line.object { record.write(to: &$0) }
    let decoded = try JSONDecoder().decode(type(of: record), from: Data(line.bytes))
    #expect(decoded == record)
    return String(decoding: line.bytes, as: UTF8.self)
  }

  private static let both = #""write":true,"user":true,"execute":false,"rights":"rwx\/rw-","#
  private static let plain = #""write":true,"user":true,"execute":true,"#

  private func expect(_ records: [some Record], _ words: [String]) throws {
    let lines = try records.map { try json($0).replacingOccurrences(of: "rwx/", with: #"rwx\/"#) }
    try #require(lines.count == 2)
    #expect(lines[0].contains(words[0]), "\(lines[0])")
    #expect(lines[1].contains(words[1]) && !lines[1].contains(#""rights""#), "\(lines[1])")
    #expect(records[0].cells.joined(separator: " ").contains("rwx/rw-"))
    #expect(records[1].cells.joined(separator: " ").contains("rwxu"))
  }

  @Test func mapsAndTranslationsSayThemWhereTheyDiffer() throws {
    let (space, memory) = split()
    var ranges: [MapRecord] = []
    _ = space.forEachRange(in: memory) {
      ranges.append(MapRecord($0, space: space, flags: [], isInDump: true, showsEntry: false))
      return true
    }
    try expect(ranges, [Self.both, Self.plain])
    let translations = [UInt64(0x1234), 0x2234].map {
      TranslateRecord(space.translate(VirtualAddress($0), in: memory), space: space)
    }
    try expect(translations, [Self.both, Self.plain])
  }

  @Test func aliasesSayThemWhereTheyDiffer() throws {
    let (space, memory) = split()
    let index = try #require(SpaceIndex([space], memory: memory))
    let aliases = try [UInt64(0x5000), 0x8000].map { frame in
      let group = try #require(index.aliases(of: PhysicalAddress(frame), in: memory).groups.first)
      return AliasRecord(group.first, of: group, mapping: PhysicalAddress(frame), space: space, pid: nil)
    }
    try expect(aliases, [Self.both, Self.plain])
  }

  @Test func aFindingShowsTheRightsThatMadeItOne() throws {
    let (space, memory) = split()
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory) { _ in VirtualAddress(.max) }
    let found = findings.all.filter { $0.kind == .writableExecutable }
    try expect(found.map { FindingRecord($0, in: index) }, [Self.both, Self.plain])
  }

  /// Bit 7 is reserved in entries of a PML4 (Intel SDM Vol. 3A, Table 4-15): x86's malformed entries have reserved bits
  /// set, and nothing else.
  @Test(arguments: [1, 2]) func malformedEntriesAreCounted(_ count: Int) throws {
    var kernel = SmallKernel(X86.paging4Level(), size: 4 << 20)
    let root = kernel.root()
    kernel.memory.map(0x40_0000, to: 0x35_0000, in: root, flags: 0x67)
    for slot in 0..<count { kernel.memory.set(table: root.root.value, slot: 3 + slot, to: 0x3087) }
    kernel.complete()
    let folder = try TemporaryFolder()
    let dump = try folder.write("memory", Data(kernel.bytes))
    let run = try Program.run(
      ["map", dump, "--format", "raw", "--paging", "x86-64", "--root", "\(Hex(root.root))"])
    let entries = count == 1 ? "1 entry is" : "2 entries are"
    #expect(run.errors.contains("\(entries) malformed (reserved bits set)"), "\(run.errors)")
  }
}
