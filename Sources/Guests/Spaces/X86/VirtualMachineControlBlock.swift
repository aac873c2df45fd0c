import MemoryImages
import PageTables

/// The page in which an AMD processor keeps the state of a virtual machine (APM Vol. 2, Appendix B, "Layout of
/// VMCB"). It explains why a CPU's root cannot be used: the CPU ran a virtual machine when the memory was dumped,
/// and the root is that machine's, in its own physical addresses.
struct VirtualMachineControlBlock {
  private static let extendedFeatures = 0x4d0
  private static let cr4 = 0x548
  private static let cr3 = 0x550
  private static let cr0 = 0x558
  private static let instructionPointer = 0x578
  /// EFER.SVME, without which no virtual machine runs.
  private static let virtualMachineEnable: UInt64 = 1 << 12

  /// Whether a page may be one at all: two comparisons are enough for nearly all pages.
  static func mayBe(_ page: RawSpan) -> Bool {
    let value = page.entry(at: extendedFeatures, size: 8)
    return value & virtualMachineEnable != 0 && value >> 16 == 0
  }

  /// Whether a page that may be one is the block of the machine that a CPU ran. The block holds the state at the
  /// last entry or exit: the machine may have run on since, but not all of its state has changed.
  static func isBlock(_ page: RawSpan, of cpu: CPUState) -> Bool {
    guard page.entry(at: cr0, size: 8) == cpu.cr0, page.entry(at: cr4, size: 8) == cpu.cr4
    else { return false }
    return page.entry(at: cr3, size: 8) == cpu.cr3
      || page.entry(at: instructionPointer, size: 8) == cpu.instructionPointer
  }
}

extension SpaceSearch {
  /// Warnings for CPUs whose roots were rejected because they ran virtual machines.
  func virtualMachineWarnings(_ known: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> [String] {
    guard options.roots.isEmpty, image.capture == nil else { return [] }
    var refused: [(number: Int, cpu: CPUState)] = []
    for (number, cpu) in image.cpus.enumerated() {
      guard let scheme = image.scheme(of: cpu, options) else { continue }
      // Known spaces may provide more than the registers do, such as the encryption bit.
      let schemes = [scheme] + known.spaces.prefix(1).map(\.space.scheme)
      if schemes.allSatisfy({ !image.holdsEntries(cpu.root(in: $0), $0) }) {
        refused.append((number, cpu))
      }
    }
    guard !refused.isEmpty else { return [] }
    var blocks: [Int: PhysicalAddress] = [:]
    _ = MemoryPass(memory: image.memory, progress: progress).forEachPage { address, page in
      guard VirtualMachineControlBlock.mayBe(page) else { return }
      for (number, cpu) in refused where blocks[number] == nil {
        if VirtualMachineControlBlock.isBlock(page, of: cpu) { blocks[number] = address }
      }
    }
    return blocks.sorted { $0.key < $1.key }.map { number, address in
      "cpu \(number) ran a virtual machine, whose root CR3 holds (VMCB at \(AddressText.hex(address.value))); "
        + "the host's is not in its registers"
    }
  }
}
