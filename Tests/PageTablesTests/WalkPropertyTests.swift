import TestSupport
import Testing

/// The engine and a naive walker agree on random memories, whatever is in them.
@Suite struct WalkPropertyTests {
  /// Seeds whose memories are small enough to be compared in full; `casesAreComplete` holds them to it.
  private static let seeds: [String: [UInt64]] = [
    "x86-32": [0, 1, 2, 3], "x86-pae": [0, 4, 6, 8], "x86-64": [1, 2, 3, 4], "x86-64-la57": [1, 2, 4, 5],
  ]
  private static let cases = RandomTables.schemes.flatMap { scheme in
    seeds[scheme, default: []].map { (scheme, $0) }
  }

  @Test(arguments: cases) func leavesAreTheNaiveOnes(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).leaves() == [])
  }

  @Test(arguments: cases) func rangesAreNaiveLeavesJoinedAndCut(scheme: String, seed: UInt64) {
    var checks = WalkChecks(scheme: scheme, seed: seed)
    #expect(checks.ranges() == [])
  }

  @Test(arguments: cases) func rangesConcatenatedAreTheLeaves(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).rangesExpandToLeaves() == [])
  }

  @Test(arguments: cases) func translationsAreTheNaiveOnesStepByStep(scheme: String, seed: UInt64) {
    var checks = WalkChecks(scheme: scheme, seed: seed)
    #expect(checks.translations() == [])
  }

  @Test(arguments: cases) func everyLeafTranslatesToItself(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).leavesTranslate() == [])
  }

  @Test(arguments: cases) func runsExpandToTheEntries(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).runs() == [])
  }

  @Test(arguments: cases) func graphIsWhatAPlainSearchFinds(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).graph() == [])
  }

  @Test(arguments: cases) func casesAreComplete(scheme: String, seed: UInt64) {
    #expect(WalkChecks(scheme: scheme, seed: seed).isComplete)
  }

  @Test func shortFuzzFindsNothing() {
    #expect(fuzzWalker(seed: 0xf422, iterations: 2) == [])
  }
}
