import MemoryImages
import PageTables

extension SpaceSearch {
  /// The processor that the kernel in this memory is for, where that is none whose tables are read and no header says
  /// it: Linux begins with the header of its boot image there (`Documentation/arch/arm64/booting.rst`,
  /// `Documentation/arch/riscv/boot-image-header.rst`).
  public func foreignMachine() -> Machine? {
    guard image.machine == nil else { return nil }
    var found: Machine?
    let pass = MemoryPass(memory: image.memory) { _ in found == nil }
    _ = pass.forEachPage { _, page in
      guard found == nil else { return }
      switch page.entry(at: BootImageHeader.magicOffset, size: 4) {
      case BootImageHeader.aarch64: found = .aarch64
      case BootImageHeader.riscv: found = .riscv
      default: break
      }
    }
    return found
  }
}

/// Where the two have their magic number.
private enum BootImageHeader {
  static let magicOffset = 56
  /// "ARM\u{64}"
  static let aarch64: UInt64 = 0x644d_5241
  /// "RSC\u{5}"
  static let riscv: UInt64 = 0x0543_5352
}
