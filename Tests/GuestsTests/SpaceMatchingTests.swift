import PageTables
import Testing

@testable import Guests

/// Which spaces of two moments are the same one.
@Suite struct SpaceMatchingTests {
  private static let scheme = X86.paging4Level()

  private func space(
    _ name: String, root: UInt64, role: FoundSpace.Role = .process, pid: Int? = nil, others: [Int] = [],
    scheme: PagingScheme = scheme
  ) -> FoundSpace {
    var found = FoundSpace(
      space: AddressSpace(name: name, root: PhysicalAddress(root), scheme: scheme), role: role, pid: pid,
      origin: .tasks)
    found.processes = (pid.map { [$0] } ?? []).map { SpaceProcess(pid: $0, name: name) }
    found.processes += others.map { SpaceProcess(pid: $0, name: "other") }
    return found
  }

  /// `old root > new root` for each space, 0 where it is not there.
  private func match(_ old: [FoundSpace], _ new: [FoundSpace]) -> [String] {
    SpaceMatching.match(old: old, new: new).map { matched in
      let (old, new) = (matched.old?.space.root.value ?? 0, matched.new?.space.root.value ?? 0)
      return "\(String(old, radix: 16)) > \(String(new, radix: 16))"
    }
  }

  @Test func processesAreKnownByPidAndName() {
    let old = [space("a", root: 0x1000, pid: 1), space("b", root: 0x2000, pid: 2)]
    let new = [space("b", root: 0x3000, pid: 2), space("a", root: 0x1000, pid: 1)]
    #expect(match(old, new) == ["2000 > 3000", "1000 > 1000"])
  }

  // A process that ended, whose root another one got.
  @Test func aRootAloneMakesNoProcessTheSame() {
    let old = [space("a", root: 0x1000, pid: 1)]
    let new = [space("b", root: 0x1000, pid: 2)]
    #expect(match(old, new) == ["0 > 1000", "1000 > 0"])
  }

  @Test func aProcessMayCallItselfAnotherName() {
    let old = [space("steps", root: 0x1000, pid: 2)]
    #expect(match(old, [space("steps_child", root: 0x1000, pid: 2)]) == ["1000 > 1000"])
    // With another root it began another program.
    #expect(match(old, [space("sh", root: 0x5000, pid: 2)]) == ["0 > 5000", "1000 > 0"])
  }

  @Test func aSpaceStaysWithTheProcessesThatAreLeft() {
    let old = [space("a", root: 0x1000, pid: 1, others: [7])]
    #expect(match(old, [space("other", root: 0x1000, pid: 7)]) == ["1000 > 1000"])
  }

  @Test func theKernelsOwnIsKnownByItsRole() {
    let old = [space("kernel", root: 0x1000, role: .kernel), space("x", root: 0x2000, role: .unknown)]
    let new = [space("kernel", root: 0x4000, role: .kernel), space("y", root: 0x2000, role: .unknown)]
    #expect(match(old, new) == ["1000 > 4000", "2000 > 2000"])
  }

  @Test func aFreedRootIsNotTheProcessThatHadIt() {
    let old = [space("a", root: 0x1000, pid: 1)]
    #expect(match(old, [space("", root: 0x1000, role: .unowned)]) == ["0 > 1000", "1000 > 0"])
  }

  @Test func spacesOfTwoSchemesAreTwo() {
    let old = [space("a", root: 0x1000, pid: 1)]
    #expect(match(old, [space("a", root: 0x1000, pid: 1, scheme: X86.pae())]) == ["0 > 1000", "1000 > 0"])
  }

  @Test func theUserCopyIsComparedWithTheUserCopy() {
    var copies = [space("a user", root: 0x2000, pid: 1), space("a user", root: 0x8000, pid: 1)]
    copies[0].isolation = .userCopy(kernelRoot: PhysicalAddress(0x1000))
    copies[1].isolation = .userCopy(kernelRoot: PhysicalAddress(0x7000))
    let old = [copies[0], space("a", root: 0x1000, pid: 1)]
    let new = [space("a", root: 0x7000, pid: 1), copies[1]]
    #expect(match(old, new) == ["1000 > 7000", "2000 > 8000"])
  }

  // Hostile lists repeat themselves.
  @Test func noSpaceIsMatchedTwice() {
    let old = [space("a", root: 0x1000, pid: 1), space("a", root: 0x2000, pid: 1)]
    let new = [
      space("a", root: 0x2000, pid: 1), space("a", root: 0x3000, pid: 1), space("a", root: 0x4000, pid: 1),
    ]
    #expect(match(old, new) == ["2000 > 2000", "1000 > 3000", "0 > 4000"])
  }
}
