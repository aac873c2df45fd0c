import Foundation
import PageTables
import Records
import TestSupport
import Testing

extension Program {
  /// The records that a command prints with `--json`; what is written by hand must be what Codable says.
  static func records<R: Record>(
    _ type: R.Type, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [R] {
    let run = try run(arguments + ["--json"])
    #expect(run.status == 0, "\(run.errors)", sourceLocation: sourceLocation)
    let decoder = JSONDecoder()
    return try run.lines.enumerated().map { number, line in
      let record = try decoder.decode(type, from: Data(line.utf8))
      guard number < 40 else { return record }
      let coded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? NSDictionary
      let written = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let plain = (written ?? [:]).filter { !($0.value is NSNull) } as NSDictionary
      #expect(coded == plain, "\(line)", sourceLocation: sourceLocation)
      return record
    }
  }
}

/// A guest whose truth is known, and the command line that names exactly the roots of the truth.
struct SharingGuest {
  let guest: GuestTruth
  let truth: SharingTruth
  /// The processes that run in each root, by address.
  let pids: [UInt64: Set<Int>]

  /// Worked out once: the truth is long.
  private static let all = GuestTruth.all.map { guest in Result { try SharingGuest(reading: guest) } }

  init(_ guest: GuestTruth) throws {
    let place = try #require(GuestTruth.all.firstIndex { $0.name == guest.name })
    self = try SharingGuest.all[place].get()
  }

  private init(reading guest: GuestTruth) throws {
    self.guest = guest
    truth = try SharingTruth(guest)
    var pids: [UInt64: Set<Int>] = [:]
    for root in try guest.roots() {
      for address in guest.rootAddresses(of: root) { pids[address, default: []].insert(root.pid) }
    }
    self.pids = pids
  }

  /// The capture, and a `--root` for each root, in the truth's order.
  var arguments: [String] {
    [guest.capturePath] + truth.roots.flatMap { ["--root", "r\(hex($0))=\(hex($0))"] }
  }

  /// The user pages that one (root, virtual address) stands for: two processes may run in one space.
  func pages(_ root: UInt64, _ va: UInt64) -> [SharingTruth.UserPage] {
    (pids[root] ?? []).map { SharingTruth.UserPage(pid: $0, va: va) }
  }
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

/// A memory of a few pages with 4-level tables by hand, after Intel's manual, volume 3, section 4.5: bit 0 present,
/// 1 writable, 2 user, 7 page size (reserved in a PML4), 63 no execute.
struct HandMadeDump {
  private var bytes = [UInt8](repeating: 0, count: 0x1_0000)
  /// The list of spaces that a capture carries.
  private var spaces: [String] = []

  /// Writes the entries of a table, by slot.
  mutating func set(_ table: Int, _ entries: [Int: UInt64]) {
    for (slot, raw) in entries {
      for index in 0..<8 {
        bytes[table + slot * 8 + index] = UInt8(truncatingIfNeeded: raw >> UInt64(8 * index))
      }
    }
  }

  mutating func add(space name: String, pid: Int, root: UInt64, isStale: Bool = false) {
    spaces.append("\(name)\t\(pid)\t\(hex(root))\tx86-64\tscan\t-\t\(isStale ? "stale" : "")\n")
  }

  func write(in folder: TemporaryFolder) throws -> String {
    var elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: bytes)])
    if !spaces.isEmpty { elf.notes = [("PAGEWALK", 1, spaces.flatMap { Array($0.utf8) })] }
    return try folder.write("dump", Data(elf.build()))
  }

  /// Two spaces that share a PDPT, and what is left of a third. The first maps the frame at 0x8000 by the shared
  /// tables, once more by a table of its own, and for the kernel; and its root has a recursive slot.
  static var twoSpaces: HandMadeDump {
    var dump = HandMadeDump()
    dump.set(0x1000, [0: 0x2007, 1: 0x9007, 300: 0x5003, 511: 0x1003])
    dump.set(0x2000, [0: 0x3007])
    dump.set(0x3000, [0: 0x4007])
    dump.set(0x4000, [0: 0x8007])
    dump.set(0x5000, [0: 0x6003])
    dump.set(0x6000, [0: 0x7003])
    dump.set(0x7000, [5: 0x8003])
    dump.set(0x9000, [0: 0xa007])
    dump.set(0xa000, [0: 0xb007])
    dump.set(0xb000, [0: 0x8005])
    dump.set(0xc000, [0: 0x2007])
    dump.set(0xd000, [0: 0x2007])
    dump.add(space: "one", pid: 11, root: 0x1000)
    dump.add(space: "two", pid: 12, root: 0xc000)
    dump.add(space: "old", pid: 13, root: 0xd000, isStale: true)
    return dump
  }
}

/// The commands over all spaces, held to what the guests' kernels and QEMU said.
@Suite struct SharingCommandTests {
  @Test(arguments: GuestTruth.all)
  func tablesListsWhoReachesEachTable(_ guest: GuestTruth) throws {
    let known = try SharingGuest(guest)
    let tables = try Program.records(TableRecord.self, ["tables"] + known.arguments)
    #expect(tables.count == known.truth.tables.count)
    for table in tables {
      let reach = known.truth.tables[.init(address: table.table.value, level: table.depth)]
      #expect(reach?.roots.count == table.spaces && reach?.parents == table.parents, "\(table.table)")
      #expect(known.truth.roots.first { reach?.roots.contains($0) ?? false } == table.owner.value)
      #expect(table.shared == (table.spaces > 1) && table.paths >= UInt64(table.spaces))
    }
    for (one, next) in zip(tables, tables.dropFirst()) {
      #expect((one.depth, one.table.value) < (next.depth, next.table.value))
    }
  }

  @Test(arguments: GuestTruth.all)
  func sharedNamesTheFirstSpaceThatReachesATable(_ guest: GuestTruth) throws {
    let known = try SharingGuest(guest)
    let references = try Program.records(SharedRecord.self, ["shared"] + known.arguments)
    #expect(!references.isEmpty)
    var last: (place: Int, va: UInt64) = (-1, 0)
    for reference in references {
      let space = try #require(known.truth.roots.firstIndex(of: reference.space.value))
      let owner = try #require(known.truth.roots.firstIndex(of: reference.owner.value))
      let table = SharingTruth.Table(address: reference.table.value, level: reference.depth)
      let reach = try #require(known.truth.tables[table])
      #expect(reach.roots.contains(reference.space.value))
      #expect(known.truth.roots.first { reach.roots.contains($0) } == reference.owner.value)
      #expect(owner < space || (owner == space && reference.ourVA != reference.theirVA))
      // A rebuilder goes through the list once: space by space, upwards.
      #expect(last < (space, reference.ourVA.value))
      last = (space, reference.ourVA.value)
      #expect(reference.length > 0 && reference.ourVA.value % reference.length == 0)
    }
  }

  @Test(arguments: GuestTruth.all)
  func mirrorsAreThoseOfTheGuest(_ guest: GuestTruth) throws {
    let known = try SharingGuest(guest)
    let mirrors = try Program.records(MirrorRecord.self, ["mirrors"] + known.arguments)
    let expected = Dictionary(uniqueKeysWithValues: known.truth.mirrors.map { ($0.va, $0) })
    var found: Set<UInt64> = []
    for mirror in mirrors {
      #expect(mirror.length == mirror.pages * Frame.size)
      #expect(expected[mirror.kernelVA.value]?.frame == mirror.pa.value / Frame.size)
      for page in 0..<mirror.pages {
        let virtual = mirror.kernelVA.value + page * Frame.size
        found.insert(virtual)
        let users = expected[virtual]?.users ?? []
        let user = known.pages(mirror.space.value, mirror.userVA.value + page * Frame.size)
        #expect(user.contains { users.contains($0) }, "\(hex(virtual))")
      }
    }
    #expect(found == Set(expected.keys))
  }

  @Test(arguments: GuestTruth.all)
  func aliasesOfASharedFrameAreItsMappings(_ guest: GuestTruth) throws {
    let known = try SharingGuest(guest)
    let frames = known.truth.sharedFrames.sorted { $0.key < $1.key }
    let chosen = stride(from: 0, to: frames.count, by: max(frames.count / 5, 1)).map { frames[$0] }
    for (frame, users) in chosen {
      let address = frame * Frame.size + 0x123
      let aliases = try Program.records(
        AliasRecord.self, ["aliases"] + known.arguments + ["--physical", hex(address)])
      let pages = aliases.filter(\.user).flatMap { known.pages($0.space.value, $0.va.value & ~0xfff) }
      #expect(Set(pages) == Set(users), "frame \(hex(frame))")
      for alias in aliases {
        #expect(alias.pa.value == address && alias.va.value & 0xfff == 0x123)
        #expect(alias.user || alias.kind == "direct-map" || alias.kind == "mirror", "\(alias)")
        #expect((alias.kind == "shared-table") == (alias.user && alias.sharedPaths > 1))
      }
      // The same question by an address of one of its users.
      let user = try #require(aliases.first { $0.user })
      let again = try Program.records(
        AliasRecord.self, ["aliases"] + known.arguments + ["--space", user.space.description, "\(user.va)"])
      #expect(again == aliases)
    }
  }

  @Test func kindsTellHowAnEntryIsReached() throws {
    let folder = try TemporaryFolder()
    let path = try HandMadeDump.twoSpaces.write(in: folder)
    func aliases(_ arguments: [String]) throws -> [String] {
      try Program.records(AliasRecord.self, ["aliases", path] + arguments).map {
        "\($0.kind) \($0.pid ?? 0) \($0.va) \($0.table)[\($0.slot)] \($0.sharedBy) \($0.write ? "w" : "-")\($0.user ? "u" : "-")"
      }
    }
    let frame = [
      "shared-table 11 0x0 0x4000[0] 2 wu", "shared-table 12 0x0 0x4000[0] 2 wu",
      "entry 11 0x8000000000 0xb000[0] 1 -u", "mirror 11 0xffff960000005000 0x7000[5] 1 w-",
    ]
    #expect(try aliases(["--physical", "8000"]) == frame)
    #expect(try aliases(["--space", "two", "0"]) == frame)
    #expect(try aliases(["--space", "11", "ffff9600_00005000"]) == frame)
    // The shared page table itself, through the slot that points back at the root.
    #expect(try aliases(["--physical", "4000"]) == ["recursive 11 0xffffff8000000000 0x3000[0] 1 w-"])
    // A space that is left out counts when it is asked about.
    #expect(try aliases(["--space", "old", "0"]).contains("shared-table 13 0x0 0x4000[0] 3 wu"))
  }

  @Test func aGroupIsALineForPeople() throws {
    let guest = try SharingGuest(GuestTruth.all[0])
    let frame = try #require(
      guest.truth.sharedFrames.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) })
    let arguments = ["aliases"] + guest.arguments + ["--physical", hex(frame.key * Frame.size)]
    let records = try Program.records(AliasRecord.self, arguments)
    let groups = try Program.run(arguments).lines
    let each = try Program.run(arguments + ["--each"]).lines
    let entries = Set(records.map { "\($0.table)[\($0.slot)]" })
    let spaces = Set(records.map(\.space))
    #expect(
      groups.first.map { String($0) }
        == "\(hex(frame.key * Frame.size)): \(records.count) mappings in \(spaces.count) spaces through "
        + "\(entries.count) entries")
    #expect(groups.count == 2 + entries.count && each.count == 2 + records.count)
    for entry in entries { #expect(groups.contains { $0.contains(entry) }) }
  }

  @Test func aListThatIsCutSaysTheExactCount() throws {
    let guest = try SharingGuest(GuestTruth.all[0])
    let frame = try #require(
      guest.truth.sharedFrames.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) })
    let arguments = ["aliases"] + guest.arguments + ["--physical", hex(frame.key * Frame.size), "--json"]
    let all = try Program.run(arguments)
    let cut = try Program.run(arguments + ["--limit", "5"])
    #expect(all.lines.count > 5 && all.errors.isEmpty)
    #expect(cut.status == 0 && cut.lines.count == 5)
    #expect(cut.errorLines.count == 1 && cut.errors.contains("5 of \(all.lines.count) are listed"))
  }

  @Test func aPageThatTheDumpDoesNotHoldHasAliases() throws {
    // The device process maps the text screen, which is no RAM.
    let guest = GuestTruth.all[0]
    let device = try #require(try guest.roots().first { $0.name == "device" })
    let leaf = try #require(try guest.leaves().first { $0.root == device.cr3 && $0.pa == 0xb8000 })
    let aliases = try Program.records(
      AliasRecord.self, ["aliases", guest.capturePath, "--space", hex(device.cr3), hex(leaf.va)])
    #expect(aliases.contains { $0.space.value == device.cr3 && $0.va.value == leaf.va && $0.user })
  }

  @Test(arguments: [
    (["--space", "kernel", "800000000000"], "0x800000000000 is not canonical"),
    (["--space", "kernel", "401000"], "0x401000 maps no frame in kernel: absent at PML4[0]"),
    (["--space", "kernel", "xyz"], "'xyz' is not an address"),
    (["--space", "nobody", "401000"], "no space 'nobody'"),
    (["--physical", "12345678901234567"], "is not an address"),
  ])
  func aQuestionThatFailsIsOneLine(_ arguments: [String], _ part: String) throws {
    let run = try Program.run(["aliases", GuestTruth.all[0].capturePath] + arguments)
    #expect(run.status == 1 && run.output.isEmpty)
    #expect(run.errorLines.count == 1 && run.errors.contains(part), "\(run.errors)")
  }

  @Test(arguments: [
    [], ["--space", "kernel", "--physical", "1000"], ["1000", "--physical", "1000"],
    ["1000", "--limit", "-1"],
  ])
  func wrongUsageIsStatus64(_ arguments: [String]) throws {
    let run = try Program.run(["aliases", GuestTruth.all[0].capturePath] + arguments)
    #expect(run.status == 64 && run.errorLines.count == 1, "\(run.errors)")
  }

  @Test func aFrameThatNobodyMapsIsAnAnswer() throws {
    let run = try Program.run(["aliases", GuestTruth.all[0].capturePath, "--physical", "f00000000000"])
    #expect(run.status == 0 && run.lines == ["0xf00000000000: no mapping"])
  }

  @Test func possiblyStaleSpacesAreLeftOutUnlessAskedFor() throws {
    let folder = try TemporaryFolder()
    let path = try HandMadeDump.twoSpaces.write(in: folder)
    func spaces(_ arguments: [String]) throws -> [String] {
      try Program.records(SharedRecord.self, ["shared", path] + arguments).map {
        "\($0.spaceName) from \($0.ownerName)"
      }
    }
    #expect(try spaces([]) == ["two from one"])
    #expect(try spaces(["--stale"]) == ["two from one", "old from one"])
    #expect(try Program.run(["shared", path]).errorLines.count == 1)
    #expect(try Program.run(["shared", path]).errors.contains("1 possibly stale space is left out; --stale"))
    #expect(try Program.run(["shared", path, "--stale"]).errors.isEmpty)
  }

  @Test(arguments: ["tables", "shared", "mirrors", "check"])
  func namesCannotReachTheTerminalAsTheyAre(_ command: String) throws {
    let guest = try SharingGuest(GuestTruth.all[0])
    let roots = guest.truth.roots.enumerated().flatMap { ["--root", "\u{1b}[31m\($0)\u{202e}=\(hex($1))"] }
    for format in [[], ["--json"]] {
      let run = try Program.run([command, guest.guest.capturePath] + roots + format)
      #expect(run.status == 0)
      #expect(!(run.output + run.errors).unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{202e}" })
    }
  }

  @Test(arguments: [("tables", "frames"), ("shared", "walk"), ("mirrors", "mirrors"), ("check", "check")])
  func timingsNameThePhases(_ command: String, _ last: String) throws {
    struct Timing: Decodable { let phase: String; let milliseconds: Double }
    let root = try #require(SharingGuest(GuestTruth.all[0]).truth.roots.first)
    let run = try Program.run(
      [command, GuestTruth.all[0].capturePath, "--root", hex(root), "--json", "--timings"])
    let phases = try run.errorLines.map { try JSONDecoder().decode(Timing.self, from: Data($0.utf8)).phase }
    #expect(phases.prefix(2) == ["open", "spaces"] && phases.last == last)
  }

  @Test func checkFindsWhatNobodyShouldHave() throws {
    var dump = HandMadeDump()
    let noExecute: UInt64 = 1 << 63
    dump.set(0x1000, [0: 0x2007, 1: 0x2087, 2: 0x900_0007, 256: 0x6007])
    dump.set(0x2000, [0: 0x3007])
    dump.set(0x3000, [0: 0x4007])
    dump.set(0x4000, [0: 0x5007, 1: 0x4007 | noExecute, 2: 0x5007 | noExecute])
    dump.set(0x6000, [0: 0x85 | noExecute])
    let folder = try TemporaryFolder()
    let path = try dump.write(in: folder)
    let findings = try Program.records(
      FindingRecord.self, ["check", path, "--root", "it=1000", "--paging", "x86-64"])
    let found = findings.map { "\($0.kind) \($0.va) \($0.length) \($0.table)[\($0.slot)] in \($0.spaces)" }
    #expect(
      Set(found) == [
        "writable-executable 0x0 4096 0x4000[0] in 1",
        "user-writable-table 0x1000 4096 0x4000[1] in 1",
        "malformed-entry 0x8000000000 549755813888 0x1000[1] in 1",
        "table-outside-dump 0x10000000000 549755813888 0x1000[2] in 1",
        "user-kernel-memory 0xffff800000000000 1073741824 0x6000[0] in 1",
      ])
    #expect(findings.count == 5)
    #expect(findings.allSatisfy { $0.spaceName == "it" && $0.space.value == 0x1000 })
  }
}
