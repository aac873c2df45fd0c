import PageTables
import Testing

@testable import Guests

@Suite struct CapturedNameTests {
  private func space(_ line: String) -> FoundSpace? {
    var list = CaptureList(lines: [line])
    return list.spaces(features: ProcessorFeatures()).first
  }

  /// A letter with marks without end is one character, and no shorter.
  @Test(arguments: ["n", "\u{301}"]) func namesThatNoSystemAllowsAreCut(_ letter: String) throws {
    let long = "a" + String(repeating: letter, count: 1 << 19)
    let found = try #require(space("\(long)\t1\t0x1000\tx86-64\t\(long)\t-\t\ttasks\t1 \(long)"))
    #expect((1...128).contains(found.space.name.utf8.count))
    #expect((1...128).contains(try #require(found.processes.first).name.utf8.count))
    #expect((1...128).contains(found.foundBy.utf8.count))
  }

  @Test func aNameOfAGuestIsWhole() throws {
    let name = "kworker/R-kvfree_rcu_reclaim-é"
    #expect(try #require(space("\(name)\t1\t0x1000\tx86-64\tscan\t-\t")).space.name == name)
  }
}
