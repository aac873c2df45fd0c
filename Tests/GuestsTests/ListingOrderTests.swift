import PageTables
import Testing

@testable import Guests

/// The order in which spaces are listed, whoever told of them first.
@Suite struct ListingOrderTests {
  private func space(
    _ root: UInt64, pid: Int? = nil, _ role: FoundSpace.Role = .process,
    isolation: FoundSpace.Isolation = .none
  ) -> FoundSpace {
    var found = FoundSpace(
      space: AddressSpace(name: "\(root)", root: PhysicalAddress(root), scheme: X86.paging4Level()),
      role: role, pid: pid, origin: .tasks)
    found.isolation = isolation
    return found
  }

  @Test func itDoesNotDependOnWhoCameFirst() {
    var stale = space(0x2000, .unowned)
    stale.isPossiblyStale = true
    let expected = [
      space(0x9000, .kernel), space(0x7000, pid: 30), space(0x8000, pid: 1), space(0x5000, pid: 12),
      space(0x1000, .unowned), space(0x4000, .unowned), stale,
    ]
    for _ in 0..<20 {
      let order = expected.shuffled().inListingOrder(known: [PhysicalAddress(0x7000)])
      #expect(order == expected)
    }
  }

  @Test func aUserCopyStandsBehindItsKernelCopyThatACPUDoesNotRun() {
    let kernel = space(0x6000, pid: 5, isolation: .kernelCopy(userRoot: PhysicalAddress(0x7000)))
    let user = space(0x7000, pid: 5, isolation: .userCopy(kernelRoot: PhysicalAddress(0x6000)))
    let first = space(0x1000, pid: 1)
    #expect([user, first, kernel].inListingOrder(known: [PhysicalAddress(0x7000)]) == [kernel, user, first])
  }

  @Test func rootsThatAPersonGaveKeepTheirOrder() {
    var given = space(0x5000)
    given.origin = .given
    let order = [given, space(0x9000, .kernel), space(0x1000, pid: 1)]
    #expect(order.inListingOrder(known: []) == order)
  }
}
