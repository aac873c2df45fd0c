import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// Raw memory of a machine whose tables are not read: its kernel says which one it is.
@Suite struct ForeignMachineTests {
  private func machine(of page: [UInt8]) throws -> Machine? {
    let file = ImageFile([UInt8](repeating: 0, count: 0x8000) + page + [UInt8](repeating: 0, count: 0x8000))
    return SpaceSearch(try MemoryImage.open(file.path, options: SourceOptions(format: .raw))).foreignMachine()
  }

  private func vmcoreinfo(_ text: String) -> [UInt8] {
    var page = ImageBytes()
    for word in [11, UInt32(text.utf8.count), 0] { page.little(word) }
    page.text("VMCOREINFO", size: 12)
    page.text(text, size: 4096 - 24)
    return page.bytes
  }

  @Test func vmcoreinfoTellsTheArchitecture() throws {
    #expect(
      try machine(
        of: vmcoreinfo(
          "OSRELEASE=6.1.0-56-cloud-arm64\nNUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0xffffc7d26dc00000\n"))
        == .aarch64)
    #expect(
      try machine(of: vmcoreinfo("OSRELEASE=6.6.0\nNUMBER(va_kernel_pa_offset)=0xffffffff00000000\n"))
        == .riscv)
    #expect(try machine(of: vmcoreinfo("OSRELEASE=6.1.0\nNUMBER(phys_base)=1048576\n")) == nil)
  }

  @Test func theHeaderOfTheBootImageTellsTheArchitecture() throws {
    var page = [UInt8](repeating: 0, count: 4096)
    #expect(try machine(of: page) == nil)
    page.replaceSubrange(56..<60, with: Array("ARM\u{64}".utf8))
    #expect(try machine(of: page) == .aarch64)
    page.replaceSubrange(56..<60, with: Array("RSC\u{5}".utf8))
    #expect(try machine(of: page) == .riscv)
  }
}
