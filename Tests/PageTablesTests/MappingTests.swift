import PageTables
import TestSupport
import Testing

/// The rules of a mapping, each with its error.
@Suite struct MappingTests {
  private let memory = OverlayMemory(over: TableMemory())

  private func shared(_ count: Int) -> Mapping.Frames {
    .shared(FrameHold(holding: frames(from: 0x5000, count), in: memory))
  }

  private func make(
    _ address: UInt64, offset: UInt64 = 0, length: UInt64, _ frames: Mapping.Frames,
    highest: UInt64 = .max
  ) throws(MappingError) -> Mapping {
    try Mapping(
      address: VirtualAddress(address), offset: offset, length: length, frames: frames,
      highest: VirtualAddress(highest))
  }

  @Test func aMappingHasTheFramesBehindItsOffset() throws {
    let mapping = try make(0x40_0000, offset: 0x1000, length: 0x2000, shared(4))
    #expect(mapping.mappedFrames == [Frame(6), Frame(7)])
    #expect(try make(0x40_0000, length: 0x2000, .none(.guarded)).mappedFrames == [])
  }

  @Test func addressOffsetAndLengthArePageAligned() {
    #expect(throws: MappingError.misalignedAddress(VirtualAddress(0x1001))) {
      try make(0x1001, length: 0x1000, shared(1))
    }
    #expect(throws: MappingError.misalignedOffset(0x800)) {
      try make(0x1000, offset: 0x800, length: 0x1000, shared(2))
    }
    #expect(throws: MappingError.misalignedLength(0x1800)) { try make(0x1000, length: 0x1800, shared(2)) }
  }

  @Test func theLengthIsNotZero() {
    #expect(throws: MappingError.empty) { try make(0x1000, length: 0, shared(1)) }
    #expect(throws: MappingError.empty) { try make(0x1000, length: 0, .none(.available)) }
  }

  @Test func theLastAddressDoesNotOverflowThoughTheOneBehindItMay() throws {
    let top: UInt64 = 0xffff_ffff_ffff_f000
    #expect(try make(top, length: 0x1000, shared(1)).length == 0x1000)
    #expect(throws: MappingError.addressOverflows(VirtualAddress(top), length: 0x2000)) {
      try make(top, length: 0x2000, shared(2))
    }
    #expect(try make(0xbfff_f000, length: 0x1000, shared(1), highest: 0xbfff_ffff).length == 0x1000)
    #expect(throws: MappingError.addressOverflows(VirtualAddress(0xbfff_f000), length: 0x2000)) {
      try make(0xbfff_f000, length: 0x2000, shared(2), highest: 0xbfff_ffff)
    }
  }

  @Test func thereAreEnoughFramesBehindTheOffset() {
    #expect(throws: MappingError.tooFewFrames(needed: 3, available: 2)) {
      try make(0x1000, length: 0x3000, shared(2))
    }
    #expect(throws: MappingError.tooFewFrames(needed: 2, available: 1)) {
      try make(0x1000, offset: 0x2000, length: 0x2000, shared(3))
    }
    #expect(throws: MappingError.tooFewFrames(needed: 1, available: 0)) {
      try make(0x1000, offset: 0x7000, length: 0x1000, shared(3))
    }
    #expect(throws: MappingError.offsetOverflows(0xffff_ffff_ffff_f000, length: 0x1000)) {
      try make(0x1000, offset: 0xffff_ffff_ffff_f000, length: 0x1000, shared(1))
    }
  }

  @Test func theFirstRuleThatIsBrokenIsTold() {
    #expect(throws: MappingError.misalignedAddress(VirtualAddress(1))) {
      try make(1, offset: 1, length: 0, shared(0))
    }
    #expect(throws: MappingError.misalignedOffset(1)) { try make(0, offset: 1, length: 1, shared(0)) }
    #expect(throws: MappingError.empty) { try make(0, length: 0, shared(0)) }
  }

  @Test func aMappingHoldsItsFramesAndLetsGoOfThem() throws {
    do {
      let mapping = try make(0x1000, length: 0x1000, shared(1))
      let copy = mapping
      #expect(memory.holders(of: Frame(5)) == 1)
      #expect(copy.length == 0x1000)
    }
    #expect(memory.holders(of: Frame(5)) == 0)
  }

  @Test func aMappingThatFailsHoldsNothing() {
    #expect(throws: MappingError.self) { try make(1, length: 0x1000, shared(1)) }
    #expect(memory.holders(of: Frame(5)) == 0)
  }

  @Test func everyErrorIsOneLine() {
    let errors: [MappingError] = [
      .misalignedAddress(VirtualAddress(1)), .misalignedOffset(1), .misalignedLength(1), .empty,
      .addressOverflows(VirtualAddress(1), length: 1), .offsetOverflows(1, length: 1),
      .tooFewFrames(needed: 2, available: 1),
    ]
    #expect(errors.allSatisfy { !$0.description.contains("\n") })
    #expect(Set(errors.map(\.description)).count == errors.count)
  }
}
