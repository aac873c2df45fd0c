import MemoryImages
import PageTables

extension SpaceSearch {
  /// The space that a processor other than x86's runs on, by its registers; nil where they are not known, where nothing
  /// is translated, and where the tables map nothing.
  func space(of cpu: CPUState, _ number: Int) -> FoundSpace? {
    let windows = windows(of: cpu).filter { image.holdsEntries($0.root, $0.scheme) }
    guard let first = windows.first else { return nil }
    // A kernel that maps nothing of a process: Linux's idle task on AArch64.
    guard first.first.value == 0 else {
      let space = AddressSpace(name: FoundSpace.Role.kernelName, windows: windows)
      return FoundSpace(space: space, role: .kernel, origin: .cpu(number))
    }
    let space = AddressSpace(name: AddressText.hex(first.root.value), windows: windows)
    return FoundSpace(space: space, origin: .cpu(number))
  }

  private func windows(of cpu: CPUState) -> [AddressWindow] {
    let values = Dictionary(cpu.translation.map { ($0.name, $0.value) }) { first, _ in first }
    if let satp = values["satp"] {
      guard let scheme = RISCV.scheme(satp: satp) else { return [] }
      return [AddressWindow(root: scheme.rootAddress.address(in: satp), scheme: scheme)]
    }
    guard let control = values["tcr_el1"].map(TranslationControl.init) else { return [] }
    var windows: [AddressWindow] = []
    if let root = values["ttbr0_el1"], let scheme = control.lower(options.features) {
      windows.append(AddressWindow(root: scheme.rootAddress.address(in: root), scheme: scheme))
    }
    if let root = values["ttbr1_el1"], let scheme = control.upper(options.features) {
      let window = AddressWindow(upperRoot: scheme.rootAddress.address(in: root), scheme: scheme)
      if !isLeftToEntryCode(cpu, window) { windows.append(window) }
    }
    return windows
  }

  /// Whether the processor runs a process with only the kernel's entry code mapped beside it, as Linux has it where that
  /// is isolated from processes: that root is not the kernel's.
  private func isLeftToEntryCode(_ cpu: CPUState, _ window: AddressWindow) -> Bool {
    guard !window.contains(VirtualAddress(cpu.instructionPointer)) else { return false }
    let space = AddressSpace(name: FoundSpace.Role.kernelName, windows: [window])
    return DirectMap(of: space, in: image.memory).map { $0.confidence(in: image.memory) < 0.5 } ?? true
  }
}

extension CPUState {
  /// `MAIR_EL1`, by which all tables of AArch64 are read; nil where no processor tells it, and where they do not agree.
  /// One that has not started yet has 0 there.
  static func memoryAttributes(of cpus: [CPUState]) -> UInt64? {
    let registers = cpus.flatMap(\.translation).filter { $0.name == "mair_el1" && $0.value != 0 }
    let values = Set(registers.map(\.value))
    return values.count == 1 ? values.first : nil
  }
}

/// `TCR_EL1`, which says how the tables below `TTBR0_EL1` and `TTBR1_EL1` are read (Arm Architecture Reference Manual,
/// DDI 0487, "TCR_EL1, Translation Control Register (EL1)").
struct TranslationControl {
  let raw: UInt64

  init(_ raw: UInt64) { self.raw = raw }

  /// How the low window is read: T0SZ in bits 5:0, EPD0 in 7, TG0 in 15:14; nil where it is switched off, or the granule
  /// is a reserved one.
  func lower(_ features: ProcessorFeatures) -> PagingScheme? {
    guard field(7, bits: 1) == 0 else { return nil }
    let granules: [UInt64: AArch64.Granule] = [0b00: .kib4, 0b01: .kib64, 0b10: .kib16]
    return granules[field(14, bits: 2)].map { scheme($0, sizeAt: 0, features) }
  }

  /// How the high one is read: T1SZ in bits 21:16, EPD1 in 23, TG1 in 31:30.
  func upper(_ features: ProcessorFeatures) -> PagingScheme? {
    guard field(23, bits: 1) == 0 else { return nil }
    let granules: [UInt64: AArch64.Granule] = [0b01: .kib16, 0b10: .kib4, 0b11: .kib64]
    return granules[field(30, bits: 2)].map { scheme($0, sizeAt: 16, features) }
  }

  /// Descriptors hold 52-bit addresses with 64 KiB where IPS (34:32) is 0b110, and otherwise where DS (59) is set.
  private func scheme(
    _ granule: AArch64.Granule, sizeAt position: UInt64, _ features: ProcessorFeatures
  ) -> PagingScheme {
    let isWide = granule == .kib64 ? field(32, bits: 3) == 0b110 : field(59, bits: 1) == 1
    return AArch64.paging(
      granule, isWide: isWide, virtualAddressBits: 64 - Int(field(position, bits: 6)), features)
  }

  private func field(_ position: UInt64, bits: UInt64) -> UInt64 { raw >> position & ((1 << bits) - 1) }
}
