import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

@Suite struct LinuxVmcoreinfoTests {
  @Test func everyKindOfLineIsRead() throws {
    let text = """
      OSRELEASE=6.1.0-13-amd64
      PAGESIZE=4096
      SYMBOL(swapper_pg_dir)=ffffffff82a10000
      OFFSET(vmap_area.list)=40
      SIZE(page)=64
      LENGTH(mem_section)=2048
      NUMBER(phys_base)=-65011712
      NUMBER(PG_head_mask)=65536
      KERNELOFFSET=19800000

      """
    let info = try #require(Vmcoreinfo(Array(text.utf8)))
    #expect(info.release == "6.1.0-13-amd64")
    #expect(info.symbols == ["swapper_pg_dir": 0xffff_ffff_82a1_0000])
    #expect(info.offsets == ["vmap_area.list": 40])
    #expect(info.sizes == ["page": 64])
    #expect(info.lengths == ["mem_section": 2048])
    #expect(info.numbers == ["PAGESIZE": 4096, "phys_base": -65_011_712, "PG_head_mask": 65536])
    #expect(info.kernelOffset == 0x1980_0000)
    #expect(info.unknownLines == 0)
  }

  @Test func theFirstOfTwoEqualKeysCounts() throws {
    let info = try #require(Vmcoreinfo(Array("SYMBOL(a)=10\nSYMBOL(a)=20\n".utf8)))
    #expect(info.symbols["a"] == 0x10)
  }

  @Test func garbageIsCountedAndPassedOver() throws {
    let lines = [
      "SYMBOL(a)=xyz", "SYMBOL()=1", "SYMBOL(b=2", "nothing", "NUMBER(n)=99999999999999999999", "\u{1b}[2J=1",
    ]
    let info = try #require(Vmcoreinfo(Array((lines.joined(separator: "\n") + "\nSYMBOL(c)=3\n").utf8)))
    #expect(info.symbols == ["c": 3])
    #expect(info.unknownLines == lines.count)
  }

  @Test func textEndsAtTheFirstZero() throws {
    let info = try #require(Vmcoreinfo(Array("OSRELEASE=a\n\0SYMBOL(b)=1\n".utf8)))
    #expect(info.symbols.isEmpty)
  }

  @Test func noiseIsNoInformation() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<50 {
      let noise = (0..<2048).map { _ in UInt8.random(in: 1...255, using: &random) }
      #expect(Vmcoreinfo(noise) == nil)
    }
  }

  /// An ELF note at the start of a page: sizes 11 and that of the text, type 0, the name padded to 12 bytes.
  private func note(_ text: String) -> [UInt8] {
    [11, 0, 0, 0, UInt8(text.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array("VMCOREINFO\0\0".utf8)
      + Array(text.utf8)
  }

  @Test func theKernelsNoteIsFoundInMemory() throws {
    var memory = LinuxMemory()
    memory.put(note("OSRELEASE=wrong\n"), at: LinuxMemory.directMap + 0x30_0000)
    memory.put(note("OSRELEASE=right\n"), at: LinuxMemory.directMap + 0x40_0000)
    let search = VmcoreinfoSearch(image: memory.opened)
    let found = try #require(search.inMemory({ _ in true }) { $0.release == "right" ? $0.release : nil })
    #expect(found.at.value == 0x40_0000)
    #expect(found.accepted == "right")
  }

  @Test func memoryIsSearchedFromBothItsEnds() {
    let size: UInt64 = 1 << 30
    let hole = PhysicalRange(PhysicalAddress(3 << 30), PhysicalAddress(4 << 30))
    let ranges = PhysicalRanges([
      PhysicalRange(PhysicalAddress(0x1000), hole.start),
      PhysicalRange(hole.end, PhysicalAddress(4 * size + 0x5000)),
    ])
    let order = VmcoreinfoSearch.order(ranges)
    #expect(PhysicalRanges(order) == ranges)
    #expect(order.reduce(0) { $0 + $1.length } == ranges.length, "no byte is looked at twice")
    #expect(order.first?.start.value == 0x1000)
    #expect(order.dropFirst().first?.end.value == 4 * size + 0x5000)
    #expect(order.prefix(6).contains { $0.contains(PhysicalAddress(hole.start.value - 0x1000)) })
  }

  @Test func evenAVastMemoryHasFewPiecesToSearch() {
    let ranges = PhysicalRanges([PhysicalRange(PhysicalAddress(0), PhysicalAddress(1 << 60))])
    #expect(VmcoreinfoSearch.order(ranges).count <= 8192)
  }

  @Test func aSearchMayBeBounded() {
    var memory = LinuxMemory()
    memory.put(note("OSRELEASE=far\n"), at: LinuxMemory.directMap + 0x2000_0000)
    memory.memory.addPage(0x3000_0000)
    let search = VmcoreinfoSearch(image: memory.opened)
    #expect(search.inMemory({ _ in true }) { $0.release } != nil)
    #expect(search.inMemory(limit: 0x1000, { _ in true }) { $0.release } == nil)
  }

  @Test func aNoteThatStartsNoPageIsNone() {
    var memory = LinuxMemory()
    memory.put(note("OSRELEASE=x\n"), at: LinuxMemory.directMap + 0x30_0040)
    #expect(VmcoreinfoSearch(image: memory.opened).inMemory({ _ in true }) { $0.release } == nil)
  }
}
