import PageTables
import TestSupport
import Testing

/// CR0.WP (Intel SDM Vol. 3A, 4.6.1): while it is clear, the supervisor may write any page that it reaches; what the
/// user may, never depends on it.
@Suite struct WriteProtectTests {
  private static func scheme(writeProtect: Bool) -> PagingScheme {
    var features = ProcessorFeatures()
    features.writeProtect = writeProtect
    return X86.paging4Level(features)
  }

  /// A supervisor's page, and a user's, both read-only and executable; a table that forbids writing above a third.
  private func machine(writeProtect: Bool) -> (space: AddressSpace, memory: TableMemory) {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: Self.scheme(writeProtect: writeProtect))
    memory.map(0xffff_8000_0000_1000, to: 0x5000, in: space, flags: 1, tableFlags: 7)
    memory.map(0x40_1000, to: 0x6000, in: space, flags: 5, tableFlags: 7)
    memory.map(0xffff_ff80_0000_2000, to: 0x7000, in: space, flags: 3, tableFlags: 1)
    return (space, memory)
  }

  private static let supervisorPages: [UInt64] = [0xffff_8000_0000_1000, 0xffff_ff80_0000_2000]

  @Test(arguments: [true, false])
  func theSupervisorWritesItsReadOnlyPagesOnlyWithoutIt(writeProtect: Bool) throws {
    let (space, memory) = machine(writeProtect: writeProtect)
    for address in Self.supervisorPages {
      let page = try #require(space.translate(VirtualAddress(address), in: memory).page)
      #expect(page.access == (writeProtect ? .execute : [.write, .execute]))
      #expect(page.isWrittenThroughProtection == !writeProtect)
    }
    var leaves: [UInt64: Access] = [:]
    _ = space.forEachLeaf(in: memory) { leaf in
      leaves[leaf.virtual.value] = leaf.access
      return true
    }
    for address in Self.supervisorPages {
      #expect(leaves[address] == (writeProtect ? .execute : [.write, .execute]))
    }
    #expect(leaves[0x40_1000] == [.user, .execute])
  }

  @Test func theUserNeverWritesWhatIsReadOnly() throws {
    let (space, memory) = machine(writeProtect: false)
    let page = try #require(space.translate(VirtualAddress(0x40_1000), in: memory).page)
    #expect(page.access == [.user, .execute])
    #expect(page.isWrittenThroughProtection, "the supervisor may")
  }

  @Test func whatTheSupervisorMayExecuteAndWriteIsFound() throws {
    func found(_ writeProtect: Bool) throws -> (all: [UInt64], schemes: [PagingScheme]) {
      let (space, memory) = machine(writeProtect: writeProtect)
      let index = try #require(SpaceIndex([space], memory: memory))
      let findings = Findings(of: index, in: memory) { $0.upperHalf }
      let writable = findings.all.filter { $0.kind == .writableExecutable }
      #expect(writable.allSatisfy { $0.access == [.write, .execute] })
      return (writable.map(\.virtual.value), findings.schemesWithoutWriteProtection)
    }
    #expect(try found(true).all == [])
    #expect(try found(true).schemes == [])
    #expect(try found(false).all == Self.supervisorPages)
    #expect(try found(false).schemes == [Self.scheme(writeProtect: false)])
  }
}
