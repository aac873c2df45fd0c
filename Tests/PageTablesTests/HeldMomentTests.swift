import PageTables
import Testing

/// A moment of a memory that changes.
@Suite struct HeldMomentTests {
  private let first = PhysicalAddress(0x1000)
  private let second = PhysicalAddress(0x2000)

  private func memory() -> OverlayMemory {
    OverlayMemory(over: MemoryBlock([UInt8](repeating: 0, count: 0x4000)))
  }

  private func write(_ raw: UInt64, to address: PhysicalAddress, of memory: OverlayMemory) throws {
    try memory.write([EntryWrite(raw, size: 8, at: address)])
  }

  @Test func aPageStaysAsItWasWhenItWasFirstRead() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    #expect(try moment.read(at: first, size: 8) == 0)
    try write(7, to: first, of: memory)
    try write(8, to: second, of: memory)
    #expect(try moment.read(at: first, size: 8) == 0)
    #expect(try moment.read(at: second, size: 8) == 8)
    #expect(moment.frames == [first.frame, second.frame])
  }

  @Test func whatIsHeldIsCopiedAtOnce() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    moment.hold([first.frame, Frame(99)])
    try write(7, to: first, of: memory)
    #expect(try moment.read(at: first, size: 8) == 0)
    #expect(moment.frames == [first.frame])
  }

  @Test func whereRoomWasMadeBeforehandItIsFilledAndNothingElse() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    var room = HeldMoment.room(for: [first.frame, Frame(99)])
    try write(7, to: first, of: memory)
    moment.hold([first.frame, second.frame, Frame(99)], in: &room)
    try write(8, to: first, of: memory)
    #expect(try moment.read(at: first, size: 8) == 7)
    #expect(moment.frames == [first.frame])
    // It is empty now.
    moment.hold([second.frame], in: &room)
    #expect(moment.frames == [first.frame])
  }

  @Test func whatWasReadBeforeStaysAsItWas() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    #expect(try moment.read(at: first, size: 8) == 0)
    try write(7, to: first, of: memory)
    moment.hold([first.frame, second.frame])
    #expect(try moment.read(at: first, size: 8) == 0)
    #expect(moment.frames == [first.frame, second.frame])
  }

  @Test func aPassOverAllMemoryCopiesNothingAndSeesWhatIsHeld() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    moment.hold([first.frame])
    try write(7, to: first, of: memory)
    try write(8, to: second, of: memory)
    var seen: [UInt64] = []
    moment.forEachPage(in: PhysicalRange(PhysicalAddress(0), PhysicalAddress(0x4000))) { _, page in
      seen.append(page.unsafeLoad(as: UInt64.self))
    }
    #expect(seen == [0, 0, 8, 0])
    #expect(moment.frames == [first.frame])
  }

  @Test func whatWasNotReadWhileTheMomentLastedIsMissing() throws {
    let memory = memory()
    let moment = HeldMoment(of: memory)
    try write(7, to: first, of: memory)
    #expect(try moment.read(at: first, size: 8) == 7)
    moment.end()
    try write(8, to: first, of: memory)
    #expect(try moment.read(at: first, size: 8) == 7)
    #expect(throws: MissingPage.notInDump) { try moment.read(at: second, size: 8) }
    var seen: [PhysicalAddress] = []
    moment.forEachPage(in: PhysicalRange(PhysicalAddress(0), PhysicalAddress(0x4000))) { address, _ in
      seen.append(address)
    }
    #expect(seen == [first])
  }

  @Test func whatTheSourceDoesNotHoldIsMissing() {
    let moment = HeldMoment(of: memory())
    #expect(throws: MissingPage.outsidePhysicalMemory) {
      try moment.read(at: PhysicalAddress(0x10_0000), size: 8)
    }
  }
}
