import Testing

@testable import PageTables

/// The machine that changes: what each event of its story does to the tables, by translations.
@Suite struct ChangingMachineTests {
  private static let heap: UInt64 = 0x55_5555_6000
  private static let library = VirtualAddress(0x7fff_f7c0_0000)
  private static let data = VirtualAddress(0x60_0000)

  private func machine(after events: Int) throws -> ChangingMachine {
    var machine = try ChangingMachine()
    for _ in 0..<events { try machine.advance() }
    return machine
  }

  private func space(_ name: String, of machine: ChangingMachine) -> AddressSpace? {
    machine.spaces.first { $0.name == name }
  }

  /// The pages of a space's heap: frame and whether it can be written; nil where nothing is mapped.
  private func heap(_ name: String, of machine: ChangingMachine) throws -> [(frame: Frame, writes: Bool)?] {
    let space = try #require(self.space(name, of: machine))
    return (0..<8 as Range<UInt64>).map { page in
      let address = VirtualAddress(Self.heap + page * Frame.size)
      return space.translate(address, in: machine.moment()).page.map {
        ($0.physical.frame, $0.rights.contains(.userWrite))
      }
    }
  }

  private func table(of name: String, at address: VirtualAddress, in machine: ChangingMachine) throws
    -> PhysicalAddress
  {
    let space = try #require(self.space(name, of: machine))
    return try #require(space.translate(address, in: machine.moment()).steps.last).table
  }

  @Test func itBeginsWithAKernelAndTwoProcesses() throws {
    let machine = try machine(after: 0)
    #expect(machine.spaces.map(\.name) == ["kernel", "shell", "editor"])
    #expect(machine.lastEvent == nil)
    #expect(
      try heap("shell", of: machine).map { $0?.writes } == [true, true, true, true, nil, nil, nil, nil])
  }

  @Test func pagesAreTouchedThenProtected() throws {
    #expect(try heap("shell", of: machine(after: 1)).allSatisfy { $0?.writes == true })
    let protected = try machine(after: 2)
    let shell = try #require(space("shell", of: protected))
    let rights = shell.translate(Self.data, in: protected.moment()).page?.rights
    #expect(rights?.contains(.userRead) == true && rights?.contains(.userWrite) == false)
  }

  @Test func aForkSharesFramesThatNobodyMayWrite() throws {
    let machine = try machine(after: 3)
    #expect(machine.spaces.map(\.name) == ["kernel", "shell", "editor", "child"])
    let (parent, child) = try (heap("shell", of: machine), heap("child", of: machine))
    #expect(parent.map { $0?.frame } == child.map { $0?.frame })
    #expect((parent + child).allSatisfy { $0?.writes == false })
    #expect(
      try table(of: "shell", at: Self.library, in: machine)
        == table(of: "child", at: Self.library, in: machine))
  }

  @Test func aWriteMakesCopiesForTheChildAlone() throws {
    let (before, after) = try (machine(after: 3), machine(after: 4))
    let (old, new) = try (heap("child", of: before), heap("child", of: after))
    #expect(old.indices.filter { old[$0]?.frame != new[$0]?.frame } == [1, 2])
    #expect(new.map { $0?.writes } == [false, true, true, false, false, false, false, false])
    #expect(
      try heap("shell", of: before).map { $0?.frame } == heap("shell", of: after).map { $0?.frame })
  }

  @Test func swappedPagesLeaveMarks() throws {
    let machine = try machine(after: 5)
    let editor = try #require(space("editor", of: machine))
    let walk = editor.translate(VirtualAddress(Self.heap + Frame.size), in: machine.moment())
    #expect(walk.page == nil)
    let last = try #require(walk.steps.last)
    #expect(ChangingMachine.scheme.mark(in: last.raw, level: last.level)?.name == ChangingMachine.swapMark)
  }

  @Test func theKernelMapsABufferForAll() throws {
    let machine = try machine(after: 6)
    let editor = try #require(space("editor", of: machine))
    let frame = editor.translate(Self.data, in: machine.moment()).page?.physical
    for space in machine.spaces {
      #expect(space.translate(ChangingMachine.mirrorAddress, in: machine.moment()).page?.physical == frame)
    }
  }

  @Test func aHugePageIsALeafOf2MiB() throws {
    let machine = try machine(after: 7)
    let editor = try #require(space("editor", of: machine))
    #expect(
      editor.translate(VirtualAddress(0x7fff_0000_0000), in: machine.moment()).page?.pageSize == 2 << 20)
  }

  @Test func aProgramBeginsAndExits() throws {
    let (before, after) = try (machine(after: 7), machine(after: 8))
    #expect(after.spaces.map(\.name) == ["kernel", "shell", "editor", "ls"])
    #expect(space("child", of: before)?.root != space("ls", of: after)?.root)
    let end = try machine(after: 10)
    #expect(end.spaces.map(\.name) == ["kernel", "shell", "editor"])
    #expect(end.spaces[0].translate(ChangingMachine.mirrorAddress, in: end.moment()).page == nil)
    #expect(
      try heap("editor", of: end).map { $0 != nil } == [true, true, true] + Array(repeating: false, count: 5))
  }

  @Test func afterTheLastEventItStartsAgain() throws {
    let (first, again) = try (machine(after: 0), machine(after: ChangingMachine.story.count + 1))
    #expect(again.spaces == first.spaces)
    #expect(again.eventCount == 0)
    #expect(again.moment().extent == first.moment().extent)
    let (old, new) = (first.moment(), again.moment())
    for range in old.extent.readable.ranges {
      for address in stride(from: range.start.value, to: range.end.value, by: 4096) {
        for offset in stride(from: 0 as UInt64, to: Frame.size, by: 512) {
          let place = PhysicalAddress(address + offset)
          #expect(try old.read(at: place, size: 8) == new.read(at: place, size: 8))
        }
      }
    }
  }

  @Test func aMomentDoesNotChange() throws {
    var machine = try machine(after: 3)
    let (memory, child) = (machine.moment(), try #require(space("child", of: machine)))
    let address = VirtualAddress(Self.heap + Frame.size)
    let before = child.translate(address, in: memory).page
    try machine.advance()
    #expect(child.translate(address, in: memory).page == before)
    #expect(child.translate(address, in: machine.moment()).page != before)
  }
}
