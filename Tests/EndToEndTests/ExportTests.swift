import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// The database that `export` writes: it says what the other commands say, and what the guest said.
@Suite struct ExportTests {
  /// The rows of a query, as texts.
  private func rows(_ path: String, _ sql: String) throws -> [[String]] {
    let database = try Database(path: path)
    var statement = try database.prepare(sql)
    var rows: [[String]] = []
    while try statement.step() {
      rows.append((0..<statement.columnCount).map { statement.text($0) ?? "NULL" })
    }
    return rows
  }

  private func export(_ arguments: [String], to path: String) throws {
    let run = try Program.run(["export"] + arguments + ["-o", path])
    #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
  }

  @Test(arguments: GuestTruth.all)
  func itSaysWhatTheCommandsSay(_ guest: GuestTruth) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    let known = try SharingGuest(guest)
    try export(known.arguments, to: path)
    #expect(try rows(path, "PRAGMA integrity_check") == [["ok"]])
    #expect(try rows(path, "PRAGMA foreign_key_check").isEmpty)

    let spaces = try Program.records(SpaceRecord.self, ["spaces"] + known.arguments)
    #expect(
      try rows(path, "SELECT name, root_hex, tables, shared_tables, bytes_mapped FROM v_spaces ORDER BY id")
        == spaces.map { [$0.name, "\($0.root)", "\($0.tables)", "\($0.sharedTables)", "\($0.bytesMapped)"] })
    #expect(
      try rows(
        path,
        """
        SELECT user_bytes, resident_bytes, proportional_bytes, private_bytes, ifnull(swapped_bytes, '-'), own_tables
        FROM spaces ORDER BY id
        """)
        == spaces.map {
          [
            "\($0.userBytes)", "\($0.residentBytes)", "\($0.proportionalBytes)",
            "\($0.privateBytes)",
            $0.swappedBytes.map { "\($0)" } ?? "-", "\($0.ownTables)",
          ]
        })
    let tables = try Program.records(TableRecord.self, ["tables"] + known.arguments)
    #expect(
      try rows(
        path,
        "SELECT pa_hex, depth, level, spaces, parents, paths, leaves, owner_name FROM v_tables ORDER BY depth, pa"
      )
        == tables.map {
          [
            "\($0.table)", "\($0.depth)", $0.level, "\($0.spaces)", "\($0.parents)", "\($0.paths)",
            "\($0.leaves)", $0.ownerName,
          ]
        })
    let references = try Program.records(SharedRecord.self, ["shared"] + known.arguments)
    #expect(
      try rows(
        path,
        """
        SELECT space_name, owner_name, depth, our_va_hex, their_va_hex, length, table_hex
        FROM v_references ORDER BY id
        """)
        == references.map {
          [
            $0.spaceName, $0.ownerName, "\($0.depth)", "\($0.ourVA)", "\($0.theirVA)", "\($0.length)",
            "\($0.table)",
          ]
        })
    let mirrors = try Program.records(MirrorRecord.self, ["mirrors"] + known.arguments)
    #expect(
      try rows(
        path,
        "SELECT space_name, user_va_hex, kernel_va_hex, length, pages, pa_hex FROM v_mirrors ORDER BY id")
        == mirrors.map {
          [$0.spaceName, "\($0.userVA)", "\($0.kernelVA)", "\($0.length)", "\($0.pages)", "\($0.pa)"]
        })
    let findings = try Program.records(FindingRecord.self, ["check"] + known.arguments)
    #expect(
      try rows(path, "SELECT kind, space_name, va_hex, length, spaces, entry_hex FROM v_findings ORDER BY id")
        == findings.map {
          [$0.kind, $0.spaceName, "\($0.va)", "\($0.length)", "\($0.spaces)", "\($0.entry)"]
        })
  }

  @Test(arguments: GuestTruth.all)
  func everyMappingIsTheMapOfEverySpace(_ guest: GuestTruth) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    let known = try SharingGuest(guest)
    try export(known.arguments, to: path)
    #expect(
      try rows(
        path,
        """
        SELECT count(*) FROM spaces s
        WHERE bytes_mapped <> (SELECT sum(length) FROM v_every_mapping WHERE space = s.id)
        """) == [["0"]])
    // Page for page, in a space that owns tables and in one that borrows them.
    for root in [known.truth.roots[0], known.truth.roots[5]] {
      let map = try Program.records(MapRecord.self, ["map"] + known.arguments + ["--space", hex(root)])
      var expected: Set<[String]> = []
      for range in map {
        let rights =
          "r" + (range.write ? "w" : "-") + (range.execute ? "x" : "-") + (range.user ? "u" : "-")
        for offset in stride(from: 0, to: range.length, by: Int(range.pageSize)) {
          expected.insert(
            [hex(range.va.value + offset), hex(range.pa.value + offset), "\(range.pageSize)", rights])
        }
      }
      let found = try rows(
        path,
        """
        WITH RECURSIVE pages (va, pa, page_size, rights, rest) AS (
          SELECT e.va, e.pa, page_size, rights, e.length FROM v_every_mapping e
            JOIN spaces s ON s.id = e.space WHERE s.root = \(hex(root))
          UNION ALL
          SELECT va + page_size, pa + page_size, page_size, rights, rest - page_size FROM pages
          WHERE rest > page_size)
        SELECT printf('0x%x', va), printf('0x%x', pa), page_size, rights FROM pages
        """)
      #expect(found.count == expected.count)
      #expect(Set(found) == expected)
    }
  }

  /// AArch64's spaces have two roots, and each is the beginning of its own addresses.
  @Test(arguments: OtherGuestTruth.all)
  func everyWindowIsThereAndLeadsToItsMappings(_ guest: OtherGuestTruth) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    try export([guest.capturePath], to: path)
    let roots = try guest.roots()
    for root in roots {
      let found = try rows(
        path,
        """
        SELECT DISTINCT number, register, root_hex, va_hex FROM v_windows
        WHERE space IN (SELECT space FROM windows WHERE number = 0 AND root = \(root.lower)) ORDER BY number
        """)
      let upper = root.upper.map { [["1", "TTBR1_EL1", hex($0), "0xffff000000000000"]] } ?? []
      #expect(found == [["0", guest.hasTwoWindows ? "TTBR0_EL1" : "satp", hex(root.lower), "0x0"]] + upper)
    }
    #expect(!roots.isEmpty)
    #expect(
      try rows(
        path,
        """
        SELECT count(*) FROM spaces s LEFT JOIN
          (SELECT space, sum(length) AS bytes FROM v_every_mapping GROUP BY space) e ON e.space = s.id
        WHERE s.bytes_mapped IS NOT e.bytes
        """) == [["0"]])
  }

  @Test(arguments: GuestTruth.all)
  func theUsersOfASharedFrameAreThoseOfTheGuest(_ guest: GuestTruth) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    let known = try SharingGuest(guest)
    try export(known.arguments, to: path)
    let frames = known.truth.sharedFrames.sorted { $0.key < $1.key }
    for (frame, users) in stride(from: 0, to: frames.count, by: max(frames.count / 20, 1)).map({ frames[$0] })
    {
      let address = frame * Frame.size
      let found = try rows(
        path,
        """
        SELECT s.root, e.va + \(address) - e.pa FROM v_every_mapping e JOIN spaces s ON s.id = e.space
        WHERE e.pa <= \(address) AND e.pa + e.length > \(address) AND e.access & 2
        """)
      let pages = try found.flatMap { row in
        known.pages(try #require(UInt64(row[0])), UInt64(bitPattern: try #require(Int64(row[1]))))
      }
      #expect(Set(pages) == Set(users), "frame \(hex(frame))")
      // Two processes may run in one space, which then maps the frame once.
      guard found.count > 1 else { continue }
      // Each entry of it is an alias, once.
      let aliases = try rows(
        path,
        """
        SELECT count(*), count(DISTINCT mapping), sum(shared_paths) FROM v_aliases
        WHERE pa <= \(address) AND pa + length > \(address) AND rights LIKE '%u'
        """)
      #expect(aliases.first?[0] == aliases.first?[1] && aliases.first?[2] == "\(found.count)")
    }
  }

  @Test func anAddressWithTheTopBitIsItsHexadecimalLiteral() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    try export(try SharingGuest(GuestTruth.all[0]).arguments, to: path)
    let found = try rows(
      path, "SELECT va_hex FROM v_mappings WHERE va >= 0xffff800000000000 AND va < 0 LIMIT 1")
    #expect(found.first?.first?.hasPrefix("0xffff") == true)
  }

  @Test func aliasesHaveTheKindsOfTheCommand() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("guest.sqlite")
    let run = try Program.run(["export", try HandMadeDump.twoSpaces.write(in: folder), "-o", path])
    #expect(run.status == 0 && run.errors.contains("1 possibly stale"))
    #expect(
      try rows(
        path, "SELECT kind, space_name, pid, va_hex, shared_by, rights FROM v_aliases WHERE pa = 0x8000") == [
          ["shared-table", "one", "11", "0x0", "2", "rwxu"],
          ["entry", "one", "11", "0x8000000000", "1", "r-xu"],
          ["mirror", "one", "11", "0xffff960000005000", "1", "rwx-"],
        ])
    #expect(
      try rows(
        path,
        "SELECT space_name, va_hex, rights FROM v_every_mapping WHERE pa = 0x8000 ORDER BY va < 0, va, space")
        == [
          ["one", "0x0", "rwxu"], ["two", "0x0", "rwxu"], ["one", "0x8000000000", "r-xu"],
          ["one", "0xffff960000005000", "rwx-"],
        ])
  }

  @Test func anExistingFileIsKeptUnlessForced() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("kept", Data("kept".utf8))
    let root = hex(try SharingGuest(GuestTruth.all[0]).truth.roots[0])
    let arguments = ["export", GuestTruth.all[0].capturePath, "--root", root, "-o", path]
    let refused = try Program.run(arguments)
    #expect(refused.status == 1 && refused.errorLines.count == 1 && refused.errors.contains("--force"))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "kept")
    #expect(try Program.run(arguments + ["--force"]).status == 0)
    #expect(try rows(path, "SELECT value FROM meta WHERE key = 'spaces'") == [["1"]])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")) == ["kept"])
  }

  @Test(arguments: [["/no/such/dump"], ["--root", "x=7fff00000000"]])
  func aFailureLeavesNothingBehind(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let source = arguments.count == 1 ? [] : [GuestTruth.all[0].capturePath]
    let run = try Program.run(["export"] + source + arguments + ["-o", folder.path("out.sqlite")])
    #expect(run.status == 1 && run.errorLines.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).isEmpty)
  }

  @Test func theSourceItselfIsNeverOverwritten() throws {
    let folder = try TemporaryFolder()
    let data = try Data(contentsOf: URL(fileURLWithPath: GuestTruth.all[0].capturePath))
    let path = try folder.write("dump", data)
    let run = try Program.run(["export", path, "-o", path, "--force"])
    #expect(run.status == 1 && run.errors.contains("source itself"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == data)
  }

  @Test func aFolderThatIsNotThereIsSaid() throws {
    let run = try Program.run(["export", GuestTruth.all[0].capturePath, "-o", "/no/such/folder/out"])
    #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains("folder does not exist"))
  }

  @Test func aRefusalOfTheDatabaseIsAnErrorWithItsMessage() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("text", Data(String(repeating: "no database at all. ", count: 100).utf8))
    let database = try Database(path: path, name: "the file")
    #expect {
      try database.execute("CREATE TABLE t (x)")
    } throws: { error in
      "\(error)" == "the file: cannot write: file is not a database"
    }
  }
}
