import MemoryImages
import TestSupport
import Testing

/// Files of other programs are named, and answered with what makes memory of them.
@Suite struct ForeignFormatTests {
  @Test(arguments: [
    ("PAGEDU64", "Windows crash dump", "layerwriter"), ("PAGEDUMP", "Windows crash dump", "layerwriter"),
    ("MDMP", "minidump", "complete memory dump"), ("hibr", "hibernation", "Hibr2Bin"),
    ("HIBR", "hibernation", "Hibr2Bin"), ("wake", "hibernation", "Hibr2Bin"),
    ("QEVM", "migration stream", "dump-guest-memory"),
    ("LibvirtQemudSave", "virsh save", "virsh dump --memory-only"),
    ("\u{7f}VirtualBox SavedState V2.0\n", "VirtualBox", "dumpvmcore"),
    ("Xen saved domain, xl format", "Xen", "xl dump-core"), ("KDMV", "VMware disk image", "dump"),
    ("vhdxfile", "disk image", "dump"), ("BZh91AY", "compressed", "bzip2 -d"),
    ("MZ", "program", "--format raw"),
  ])
  func aTextAtTheStart(magic: String, what: String, how: String) {
    expect(Array(magic.utf8), what, how)
  }

  @Test(
    arguments: [
      ([0xd2, 0xbe, 0xd2, 0xbe], "VMware", "vmss2core"), ([0xd3, 0xbe, 0xd3, 0xbe], "VMware", ".vmem"),
      ([0x51, 0x46, 0x49, 0xfb], "qcow2", "-loadvm"), ([0x14, 0x20, 0x28, 0x01], "Hyper-V", "hvsavedstate"),
      ([0x1f, 0x8b, 0x08, 0], "compressed", "gzip -d"),
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "compressed", "xz -d"),
      ([0x28, 0xb5, 0x2f, 0xfd], "compressed", "zstd -d"), ([0x50, 0x4b, 3, 4], "compressed", "unzip"),
      ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "compressed", "7z x"),
      ([0xcf, 0xfa, 0xed, 0xfe], "Mach-O", "ELF"),
    ] as [([UInt8], String, String)])
  func bytesAtTheStart(magic: [UInt8], what: String, how: String) {
    expect(magic, what, how)
  }

  @Test func aKernelImage() {
    var bytes = [UInt8](repeating: 0, count: 0x202)
    bytes += Array("HdrS".utf8)
    expect(bytes, "Linux kernel", "dump")
  }

  /// Whatever the size, also that of raw memory.
  private func expect(_ magic: [UInt8], _ what: String, _ how: String) {
    for size in [10_000, 1 << 20] {
      let file = ImageFile(magic + [UInt8](repeating: 0, count: size - magic.count))
      let text = openingError(file.path)?.description
      #expect(text?.contains(what) == true && text?.contains(how) == true, "\(text ?? "opens")")
    }
  }

  @Test func formatRawReadsThemAsMemory() throws {
    let file = ImageFile(Array("PAGEDU64".utf8) + [UInt8](repeating: 0, count: 1 << 20 - 8))
    #expect(try MemoryImage.open(file.path, options: SourceOptions(format: .raw)).format == "raw")
  }
}
