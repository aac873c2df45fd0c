import PageTables
import TestSupport
import Testing

@testable import Guests

/// Modules of a kernel without type information: their descriptions lie in their own memory.
@Suite struct LinuxModuleTests {
  private static let head = LinuxMemory.image + 0x30_0000
  /// Where each module's memory starts, and where its description lies in there.
  private static let starts: [UInt64] = [0xffff_ffff_c000_0000, 0xffff_ffff_c001_0000]
  private static let description: UInt64 = 0x1080
  private static let length: UInt64 = 0x3000

  /// Two modules as a 64-bit kernel before 6.4 has them, each with a symbol table of two entries.
  private func memory(_ names: [String]) -> LinuxMemory {
    var memory = LinuxMemory()
    memory.memory.addPage(0x100_0000)
    var links: [UInt64] = []
    for (index, name) in names.enumerated() {
      let start = LinuxModuleTests.starts[index]
      for page in 0..<LinuxModuleTests.length / 4096 {
        let frame = 0x3000_0000 + UInt64(index) << 20 + page << 12
        memory.memory.map(start + page << 12, to: frame, in: memory.space, level: 3, flags: 0x63)
        memory.memory.addPage(frame)
      }
      func put(_ value: UInt64, _ offset: UInt64, size: Int = 8) {
        let at = start + offset
        let frame = 0x3000_0000 + UInt64(index) << 20 + (at - start)
        memory.put(value, at: LinuxMemory.directMap + frame, size: size)
      }
      func put(_ text: String, _ offset: UInt64) {
        memory.put(text, at: LinuxMemory.directMap + 0x3000_0000 + UInt64(index) << 20 + offset)
      }
      let link = LinuxModuleTests.description + 8
      links.append(start + link)
      put(name, link + 16)
      put(start, link + 0x100)
      for (number, value) in [LinuxModuleTests.length, 0x1000, 0x1000, 0x2000].enumerated() {
        put(value, link + 0x108 + UInt64(number * 4), size: 4)
      }
      // The symbols' description, and what it points at.
      put(start + 0x2000, link + 0x140)
      for (number, value) in [start + 0x2100, 2, start + 0x2200, start + 0x2300].enumerated() {
        put(value, 0x2000 + UInt64(number * 8))
      }
      put(1, 0x2100 + 24, size: 4)
      put(1, 0x2100 + 24 + 6, size: 2)
      put(start + 0x40, 0x2100 + 24 + 8)
      put(name + "_init", 0x2201)
      put("?t", 0x2300)
    }
    let ring = [LinuxModuleTests.head] + links
    for (index, node) in ring.enumerated() {
      let physical =
        node == LinuxModuleTests.head
        ? node
        : LinuxMemory.directMap + 0x3000_0000 + UInt64(index - 1) << 20 + (node & 0xffff)
      memory.put(ring[(index + 1) % ring.count], at: physical)
      memory.put(ring[(index + ring.count - 1) % ring.count], at: physical + 8)
    }
    return memory
  }

  private func areas(_ count: Int) -> [VmallocArea] {
    LinuxModuleTests.starts.prefix(count).map {
      VmallocArea(
        range: $0..<$0 + LinuxModuleTests.length + 0x1000, caller: nil, kinds: .vmalloc, pages: nil,
        physical: nil)
    }
  }

  @Test func modulesAreFoundByTheListInTheirMemory() throws {
    let memory = memory(["virtio_ring", "zram"])
    let reader = GuestMemoryReader(memory.space, memory.memory)
    let found = try #require(KernelModuleInference(reader: reader, areas: areas(2)).run())
    let modules = found.modules.modules(head: found.head)
    #expect(found.head == LinuxModuleTests.head)
    #expect(modules.map(\.name) == ["virtio_ring", "zram"])
    #expect(modules.map(\.size) == [0x3000, 0x3000])
    var symbols = KernelSymbols()
    var budget = 100
    for module in modules { found.modules.addSymbols(of: module, to: &symbols, budget: &budget) }
    symbols.finish()
    #expect(symbols.address(of: "zram_init") == LinuxModuleTests.starts[1] + 0x40)
    #expect(symbols.describe(LinuxModuleTests.starts[0] + 0x44)?.hasSuffix("[virtio_ring]") == true)
  }

  @Test func aListThatDoesNotCloseIsNone() {
    var memory = memory(["virtio_ring", "zram"])
    memory.put(0, at: LinuxModuleTests.head)
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KernelModuleInference(reader: reader, areas: areas(2)).run() == nil)
  }

  @Test func aNameThatNoModuleCanHaveIsNone() {
    let memory = memory(["virtio ring", "zr\u{1b}am"])
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KernelModuleInference(reader: reader, areas: areas(2)).run() == nil)
  }

  @Test func memoryThatSaysNothingIsNoModule() {
    let memory = LinuxMemory()
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KernelModuleInference(reader: reader, areas: areas(2)).run() == nil)
  }
}
