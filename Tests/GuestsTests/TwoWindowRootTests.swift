import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// Roots of spaces with two windows, as a person names them.
@Suite struct TwoWindowRootTests {
  /// A lower root at 0x1000 and an upper one at 0x8000, each with one page of 2 MiB.
  private func image(_ machine: Machine = .aarch64) -> MemoryImage {
    var memory = TableMemory()
    for root in [0x1000, 0x8000] as [UInt64] {
      memory.set(table: root, slot: 0, to: root + 0x1000 | 3)
      memory.set(table: root + 0x1000, slot: 0, to: root + 0x2000 | 3)
      memory.set(table: root + 0x2000, slot: 1, to: 0x20_0701)
    }
    memory.addPhysical(0, 0x100_0000)
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = machine
    return image
  }

  private func space(
    _ root: GivenRoot, paging: String? = "aarch64-4k", bits: Int? = nil, upper: Int? = nil,
    machine: Machine = .aarch64
  ) throws(SpaceSearchError) -> AddressSpace? {
    var options = SpaceSearchOptions()
    options.roots = [root]
    options.schemeName = paging
    options.features.virtualAddressBits = bits
    options.upperAddressBits = upper
    return try SpaceSearch(image(machine), options).known().spaces.first?.space
  }

  @Test func aSpaceHasBothWindowsAndAKernelTheUpperOne() throws {
    let (lower, upper) = (PhysicalAddress(0x1000), PhysicalAddress(0x8000))
    let process = try #require(try space(GivenRoot("p", lower, upper: upper)))
    #expect(process.windows.map(\.root) == [lower, upper])
    #expect(process.windows.map(\.rootRegister) == ["TTBR0_EL1", "TTBR1_EL1"])
    let kernel = try #require(try space(GivenRoot("k", nil, upper: upper)))
    #expect(kernel.windows.map(\.first.value) == [0xffff_0000_0000_0000])
    let memory = image().memory
    #expect(process.translate(VirtualAddress(0x20_0000), in: memory).page != nil)
    #expect(kernel.translate(VirtualAddress(0xffff_0000_0020_0000), in: memory).page != nil)
    #expect(
      kernel.translate(VirtualAddress(0x20_0000), in: memory).outcome
        == .fault(.noRoot(register: "TTBR0_EL1")))
  }

  /// An ASID in bits 63:48, CnP in bit 0.
  @Test func aRegistersValueIsTaken() throws {
    let root = PhysicalAddress(0x4e00_0000_0000_8001)
    #expect(try space(GivenRoot("k", nil, upper: root))?.root == PhysicalAddress(0x8000))
  }

  @Test func windowsMayDifferInSize() throws {
    let root = GivenRoot("p", PhysicalAddress(0x1000), upper: PhysicalAddress(0x8000))
    let space = try #require(try space(root, bits: 39, upper: 42))
    #expect(space.windows.map(\.scheme.name) == ["aarch64-4k-39", "aarch64-4k-42"])
    #expect(space.windows.map(\.first.value) == [0, 0xffff_fc00_0000_0000])
  }

  @Test func aSchemeOfOneRootTakesNoSecond() {
    let root = GivenRoot("p", PhysicalAddress(0x1000), upper: PhysicalAddress(0x8000))
    #expect(throws: SpaceSearchError.oneWindow(name: "p", scheme: "x86-64 4-level")) {
      _ = try space(root, paging: "x86-64", machine: .x86_64)
    }
  }
}
