import PageTables
import TestSupport
import Testing

/// What frames fit which type of mapping (`Mapping::new` and `MemoryType::get_memory_state` of SunriseOS).
@Suite struct MappingTypeTests {
  private let memory = OverlayMemory(over: TableMemory())

  /// The states that `sunrise_libkern` lists, by type; bit 22 says that frames are counted.
  private static let states: [UInt32] = [
    0x0000_0000, 0x0000_2001, 0x0004_2002, 0x00dc_7e03, 0x03fe_bd04, 0x037e_bd05, 0x0040_2006, 0x0048_2907,
    0x00dd_7e08, 0x03ff_bd09, 0x005c_3c0a, 0x005c_3c0b, 0x0040_200c, 0x015c_3c0d, 0x005c_380e, 0x0040_380f,
    0x0000_0010, 0x005c_3811, 0x004c_2812, 0x0000_2013, 0x0040_2214, 0x0040_2015,
  ]

  private func make(_ frames: Mapping.Frames, _ type: MemoryType?) throws(MappingError) -> Mapping {
    try Mapping(address: VirtualAddress(0x4000_0000), length: 0x2000, frames: frames, type: type)
  }

  @Test func typesHaveSunriseOSsNumbersAndAreCountedAsThere() {
    #expect(MemoryType.allCases.map { UInt32($0.rawValue) } == Self.states.map { $0 & 0xff })
    for type in MemoryType.allCases {
      #expect(type.isCounted == (Self.states[Int(type.rawValue)] & 1 << 22 != 0))
    }
  }

  @Test(arguments: MemoryType.allCases) func framesThatDoNotFitTheTypeAreRefused(type: MemoryType) throws {
    let hold = FrameHold(holding: frames(from: 0x5000, 2), in: memory)
    let isEmpty = [MemoryType.unmapped, .reserved, .kernelStack].contains(type)
    let cases: [(Mapping.Frames, Bool)] = [
      (.shared(hold), type.isCounted), (.owned(hold), !type.isCounted), (.none(.guarded), isEmpty),
      (.none(.available), type == .unmapped), (.none(.reserved), type == .reserved),
    ]
    for (frames, fits) in cases {
      if fits {
        #expect(try make(frames, type).type == type)
      } else {
        #expect(throws: MappingError.framesDoNotFit(type)) { try make(frames, type) }
      }
    }
  }

  @Test func withoutATypeItIsThePlainest() throws {
    let hold = FrameHold(holding: frames(from: 0x5000, 2), in: memory)
    #expect(try make(.shared(hold), nil).type == .heap)
    #expect(try make(.owned(hold), nil).type == .normal)
    #expect(try make(.none(.available), nil).type == .unmapped)
    #expect(try make(.none(.guarded), nil).type == .kernelStack)
    #expect(try make(.none(.reserved), nil).type == .reserved)
  }

  @Test func otherRulesComeFirst() {
    let hold = FrameHold(holding: frames(from: 0x5000, 2), in: memory)
    #expect(throws: MappingError.tooFewFrames(needed: 3, available: 2)) {
      try Mapping(address: VirtualAddress(0), length: 0x3000, frames: .shared(hold), type: .io)
    }
  }
}
