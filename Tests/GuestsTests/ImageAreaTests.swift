import Testing

@testable import Guests

/// The kernel's image where it lies in vmalloc areas: the addresses are those of a guest's `/proc/vmallocinfo`.
@Suite struct ImageAreaTests {
  private static let text: Range<UInt64> = 0xffff_a8d5_8581_0000..<0xffff_a8d5_863e_0000
  private static let areas: [Range<UInt64>] = [
    // A stack, and its guard page.
    0xffff_8000_0801_0000..<0xffff_8000_0801_5000, 0xffff_a8d5_857f_0000..<0xffff_a8d5_857f_f000, text,
    0xffff_a8d5_863e_0000..<0xffff_a8d5_86b9_0000, 0xffff_a8d5_86b9_0000..<0xffff_a8d5_86c5_0000,
    0xffff_a8d5_86c6_0000..<0xffff_a8d5_86c7_0000,
  ]

  private func starts(_ told: [KernelRegion]) -> [UInt64] {
    let found = KernelRegion.ofImage(in: Self.areas, told: told)
    return found.allSatisfy { $0.kind == .image } ? found.map(\.start) : []
  }

  private let known = KernelRegion(
    kind: .text, start: text.lowerBound, end: text.upperBound - 0x400, name: "")

  @Test func areasWithoutAGuardPageBesideTheTextAreTheImages() {
    #expect(starts([known]) == [0xffff_a8d5_863e_0000, 0xffff_a8d5_86b9_0000])
  }

  @Test func whatSymbolsDelimitKeepsTheirName() {
    let readOnly = KernelRegion(
      kind: .readOnlyData, start: 0xffff_a8d5_863e_0000, end: 0xffff_a8d5_8680_0000, name: "")
    #expect(starts([known, readOnly]) == [0xffff_a8d5_86b9_0000])
  }

  @Test func withoutTheTextNothingIsKnown() {
    #expect(starts([]) == [])
  }
}
