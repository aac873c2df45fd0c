import PageTables
import TestSupport
import Testing

/// Memories made to hang a walk over spaces: it reads every table once all the same.
@Suite struct WalkSpacesHostileTests {
  /// What a stream of items adds up to.
  private struct Sum {
    var references = 0
    var mappings = 0
    /// Bytes of address space in all items of a space, wrapping.
    var bytes: [UInt64]
    var isAscending = true
    var last: (spaceNumber: Int, virtual: UInt64)?

    init(_ spaces: Int) { bytes = Array(repeating: 0, count: spaces) }

    mutating func add(_ spaceNumber: Int, _ item: SpaceItem) {
      let start: UInt64
      switch item {
      case .mapping(let range, _):
        mappings += 1
        bytes[spaceNumber] &+= range.length
        start = range.virtual.value
      case .reference(let reference, _, _):
        references += 1
        bytes[spaceNumber] &+= reference.length
        start = reference.ourVA.value
      case .table: return
      }
      if let last, (spaceNumber, start) <= last { isAscending = false }
      last = (spaceNumber, start)
    }
  }

  private func sum(_ roots: [UInt64], _ scheme: PagingScheme, _ memory: ComputedMemory) -> Sum {
    var sum = Sum(roots.count)
    _ = forEachSpaceItem(of: roots.map { PhysicalAddress($0) }.spaces(scheme), in: memory) {
      spaceNumber, item in
      sum.add(spaceNumber, item)
      return true
    }
    return sum
  }

  @Test(arguments: X86.all()) func aSelfPointingPageIsReadOnceALevel(scheme: PagingScheme) {
    let flags: UInt64 = scheme.name == "x86-pae" ? 1 : 7
    let memory = ComputedMemory(pages: 2, entrySize: scheme.levels[0].format.entrySize) { _, _ in
      0x1000 | flags
    }
    let found = sum([0x1000, 0x1000], scheme, memory)
    #expect(memory.pageReads == scheme.levels.count)
    // At every level but the last one entry owns, the others refer; and once more for the second space's root.
    let entries = scheme.levels.dropLast().map(\.entryCount)
    #expect(found.references == entries.reduce(0) { $0 + $1 - 1 } + 1)
    // All leaves map the one page, so none joins its neighbour.
    #expect(found.mappings == scheme.levels.last?.entryCount)
    #expect(found.bytes[0] == 1 << UInt64(scheme.virtualAddressBits))
    #expect(found.isAscending)
  }

  @Test func tablesThatPointAtAllOthersAreReadOnceALevel() {
    // Entry s of table p points at table 512 p + s of 4,096: the root reaches 512, these reach all.
    let memory = ComputedMemory(pages: 4096, entrySize: 8) { page, slot in
      ((page >> 12 * 512 + UInt64(slot)) % 4096) << 12 | 7
    }
    let found = sum([0x0], X86.paging4Level(), memory)
    let tables = 1 + 512 + 4096 + 4096
    #expect(memory.pageReads == tables)
    #expect(found.references == 512 * (1 + 512 + 4096) - (tables - 1))
    // Each PT maps 512 frames in a row, and 8 neighbours all 4,096, before the frames begin anew.
    #expect(found.mappings == 4096 / 8)
    #expect(found.bytes[0] == 1 << 48)
    #expect(found.isAscending)
  }

  @Test func aTableMappedAHundredThousandTimesIsOneOwnerAndReferences() {
    // Root 0x1000, PDPT 0x2000, 196 PDs from 0x10_0000 on, all entries of which point at the PT 0x3000.
    let memory = ComputedMemory(pages: 512, entrySize: 8) { page, slot in
      switch page {
      case 0x1000: slot == 0 ? 0x2007 : 0
      case 0x2000: slot < 196 ? 0x10_0007 + UInt64(slot) << 12 : 0
      case 0x3000: slot == 5 ? 0x5007 : 0
      default: 0x3007
      }
    }
    var addresses: [UInt64] = []
    var isRight = true
    _ = forEachSpaceItem(of: [PhysicalAddress(0x1000)].spaces(X86.paging4Level()), in: memory) { _, item in
      guard case .reference(let reference, _, _) = item else { return true }
      addresses.append(reference.ourVA.value)
      isRight =
        isRight && reference.theirVA.value == 0 && reference.depth == 3 && reference.length == 0x20_0000
        && reference.table.address.value == 0x3000
      return true
    }
    #expect(addresses == (1..<UInt64(196 * 512)).map { $0 << 21 })
    #expect(isRight)
    #expect(memory.pageReads == 199)
  }

  /// Six levels over 64 address bits: what no x86 has, built from its own levels.
  @Test func sixtyFourAddressBitsDoNotOverflow() {
    let long = X86.paging5Level()
    let top = PagingLevel(
      name: "PML6", shift: 57, indexBits: 7, format: long.levels[0].format,
      tableFields: long.levels[0].tableFields, leafFields: [])
    let scheme = PagingScheme(
      name: "six", title: "six levels", virtualAddressBits: 64, isSignExtended: false, rootRegister: "CR3",
      rootAddress: long.rootAddress, rootAlignment: 4096, levels: [top] + long.levels, marks: [])
    let memory = ComputedMemory(pages: 2, entrySize: 8) { _, _ in 0x1007 }
    let found = sum([0x1000], scheme, memory)
    // 2^64 bytes, wrapped.
    #expect(found.bytes[0] == 0)
    #expect(found.references == 127 + 4 * 511)
    let again = walkSpaces([PhysicalAddress(0x1000), PhysicalAddress(0x1000)].spaces(scheme), in: memory)
    #expect(again.references(of: 1).map(\.length) == [0])
  }
}
