import PageTables
import TestSupport

extension LinuxSystem {
  /// An ELF core as QEMU writes one: a processor on the first process's root, and the kernel's VMCOREINFO.
  func core() throws -> [UInt8] {
    let memory = self.memory.memory
    var core = ImageElfBuilder()
    for range in memory.extent.readable.ranges {
      var bytes: [UInt8] = []
      for address in stride(from: range.start.value, to: range.end.value, by: Int(Frame.size)) {
        bytes += try memory.withPage(at: PhysicalAddress(address)) { page in
          (0..<page.byteCount).map { page.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
      }
      core.loads.append(.init(physical: range.start.value, bytes: bytes))
    }
    let registers = imageQemuNote(
      cr0: 0x8005_0033, cr3: LinuxSystem.root(0), cr4: 0x20, instructionPointer: LinuxMemory.image)
    core.notes = [("QEMU", 0, registers), ("VMCOREINFO", 0, Array(vmcoreinfo.utf8))]
    return core.build()
  }
}
