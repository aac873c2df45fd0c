import PageTables
import Testing

/// Arm ARM (DDI 0487), D8.2.1: bit 55 of a virtual address selects TTBR0_EL1 or TTBR1_EL1. D8.8: with TBI a tag is
/// bits 63:56. D8.9: an authentication code has the bits between the translated ones and bit 55, and the tag's.
@Suite struct PointerTagTests {
  private static func space(_ addressBits: Int) -> AddressSpace {
    let scheme = AArch64.paging(.kib4, virtualAddressBits: addressBits)
    return AddressSpace(
      name: "",
      windows: [
        AddressWindow(root: PhysicalAddress(0x1000), scheme: scheme),
        AddressWindow(upperRoot: PhysicalAddress(0x2000), scheme: scheme),
      ])
  }

  @Test(
    arguments: [
      (48, 0xab00_1000_4000_0000, 0x0000_1000_4000_0000, 0xab),
      (39, 0x0100_0012_3456_7000, 0x12_3456_7000, 1),
      (48, 0xf4ff_8000_0800_0000, 0xffff_8000_0800_0000, 0xf4),
    ] as [(Int, UInt64, UInt64, UInt64)])
  func theTagIsTakenAway(_ addressBits: Int, _ pointer: UInt64, _ address: UInt64, _ tag: UInt64) {
    let untagged = Self.space(addressBits).untagged(VirtualAddress(pointer))
    #expect(untagged?.address == VirtualAddress(address))
    #expect(untagged?.content == .tag(tag))
  }

  @Test(
    arguments: [
      // Bits 54:48 hold the code, bit 55 is clear, then set.
      (48, 0x0052_ffff_9000_1234, 0x0000_ffff_9000_1234), (48, 0xb3a9_a8d5_8581_0000, 0xffff_a8d5_8581_0000),
      (39, 0x0014_5612_3456_7000, 0x0000_0012_3456_7000),
    ] as [(Int, UInt64, UInt64)])
  func theAuthenticationCodeIsTakenAway(_ addressBits: Int, _ pointer: UInt64, _ address: UInt64) {
    let untagged = Self.space(addressBits).untagged(VirtualAddress(pointer))
    #expect(untagged?.address == VirtualAddress(address))
    #expect(untagged?.content == .authenticationCode)
  }

  @Test(arguments: [0, 0xffff_ffff_ffff, 0xffff_0000_0000_0000, 0xffff_ffff_ffff_ffff] as [UInt64])
  func anAddressIsNoPointerWithATag(_ address: UInt64) {
    #expect(Self.space(48).untagged(VirtualAddress(address)) == nil)
  }

  @Test func aSpaceWithoutTheSelectedWindowHasNothingThere() {
    let kernel = AddressSpace(name: "kernel", windows: [Self.space(48).windows[1]])
    #expect(kernel.untagged(VirtualAddress(0xab00_1000_4000_0000)) == nil)
    #expect(kernel.nearestTranslated(to: VirtualAddress(0x1000)) == VirtualAddress(0xffff_0000_0000_0000))
  }

  /// x86 takes no address whose upper bits are no copies (Intel SDM Vol. 1, 3.3.7.1).
  @Test func otherSchemesHaveNone() {
    for scheme in X86.all() + RISCV.all() {
      let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: scheme)
      #expect(space.untagged(VirtualAddress(0xab00_1000_4000_0000)) == nil)
    }
  }

  @Test(
    arguments: [(0x1_0000_0000_0000, 0xffff_ffff_ffff), (0xfffe_ffff_ffff_ffff, 0xffff_0000_0000_0000)]
      as [(UInt64, UInt64)])
  func theNearestAddressLiesInAWindow(_ address: UInt64, _ nearest: UInt64) {
    #expect(Self.space(48).nearestTranslated(to: VirtualAddress(address)) == VirtualAddress(nearest))
  }
}
