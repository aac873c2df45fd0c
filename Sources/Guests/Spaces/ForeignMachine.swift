import MemoryImages
import PageTables

extension SpaceSearch {
  /// The processor architecture of the kernel in this memory, if its page tables cannot be read and no header names
  /// it.
  package func foreignMachine() -> Machine? {
    guard image.machine == nil else { return nil }
    let told = VmcoreinfoSearch(image: image).inMemory({ _ in true }) { $0.foreignMachine }
    return told?.accepted ?? machineOfBootImage()
  }

  /// Linux for these architectures begins with the header of its boot image, and may have kept it in memory
  /// (`Documentation/arch/arm64/booting.rst`, `Documentation/arch/riscv/boot-image-header.rst`).
  private func machineOfBootImage() -> Machine? {
    let magicOffset = 56
    var found: Machine?
    let pass = MemoryPass(memory: image.memory) { _ in found == nil }
    _ = pass.forEachPage { _, page in
      guard found == nil else { return }
      switch page.entry(at: magicOffset, size: 4) {
      case 0x644d_5241: found = .aarch64  // "ARM\x64"
      case 0x0543_5352: found = .riscv  // "RSC\x05"
      default: break
      }
    }
    return found
  }
}

extension Vmcoreinfo {
  /// Recognized by lines that only the kernels of that architecture write
  /// (`Documentation/admin-guide/kdump/vmcoreinfo.rst`).
  fileprivate var foreignMachine: Machine? {
    if numbers["kimage_voffset"] != nil { return .aarch64 }
    if numbers["va_kernel_pa_offset"] != nil || numbers["satp"] != nil { return .riscv }
    return nil
  }
}
