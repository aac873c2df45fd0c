import Foundation
import Guests
import PageTables
import Records
import TestSupport
import Testing

/// An export of memory that is written while it is read.
@Suite struct ChangingExportTests {
  @Test(arguments: RandomTables.schemes, 0..<2 as Range<UInt64>)
  func itEnds(_ scheme: String, _ seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let memory = ChangingMemory(over: tables.memory, pages: tables.tables, seed: seed)
    let index = try #require(SpaceIndex(tables.spaces, memory: memory))
    let mirrors = Mirrors(of: index, in: memory)
    let findings = Findings(of: index, in: memory, kernelStart: \.upperHalf)
    let folder = try TemporaryFolder()
    let summary = try DatabaseExport.write(
      tables.spaces.map { FoundSpace(space: $0, origin: .scan) }, index, mirrors: mirrors, findings: findings,
      names: nil, in: memory, source: "changing", programVersion: "0",
      to: try Database(path: folder.path("export.sqlite")))
    #expect(summary.tables == index.tableCount)
  }
}
