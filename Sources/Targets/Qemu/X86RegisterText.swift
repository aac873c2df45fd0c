import MemoryImages

/// Reads what QEMU's `info registers -a` prints of x86 processors.
///
/// In 32-bit code QEMU prints the general registers' lower halves only, and leaves R8 to R15 out: these are 0 then.
enum X86RegisterText {
  /// A CPU, as a dump would have it, which has no EFER.
  struct CPU: Hashable {
    var state: CPUState
    /// Whether IA-32e mode is active (EFER.LMA; Intel SDM Vol. 3A, 2.2.1).
    var isInLongMode: Bool
  }

  /// One for each "CPU#"; those without CR3 (of another architecture) are left out.
  static func cpus(_ text: String) -> [CPU] {
    var all: [[Substring]] = []
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("CPU#") || all.isEmpty { all.append([]) }
      if !line.hasPrefix("CPU#") { all[all.count - 1].append(line) }
    }
    return all.compactMap(cpu)
  }

  private static let generalNames = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
  ]

  private static func cpu(_ lines: [Substring]) -> CPU? {
    var values: [String: UInt64] = [:]
    var code: [Substring] = []
    for line in lines {
      // `R8 =0000000000022e80 R9 =..`, `GDT=     fffffe0000001000 0000007f`, `CS =0010 0000000000000000 ffffffff 00af9b00`
      let words = line.split { $0 == " " || $0 == "=" }
      guard let name = words.first else { continue }
      switch name {
      case "CS": code = words
      case "TR" where words.count > 2: values["tr"] = UInt64(words[2], radix: 16)
      case "GDT", "IDT": if words.count > 1 { values[name.lowercased()] = UInt64(words[1], radix: 16) }
      default:
        for (name, value) in zip(words, words.dropFirst()) {
          guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            let number = UInt64(value, radix: 16)
          else { continue }
          var key = name.lowercased()
          if key.count == 3, key.hasPrefix("e") { key = "r" + key.dropFirst() }
          if values[key] == nil { values[key] = number }
        }
      }
    }
    guard let cr0 = values["cr0"], let cr3 = values["cr3"], let cr4 = values["cr4"],
      let instructionPointer = values["rip"]
    else { return nil }
    var state = CPUState(
      cr0: cr0, cr3: cr3, cr4: cr4, instructionPointer: instructionPointer, segmentTable: values["gdt"] ?? 0,
      interruptTable: values["idt"] ?? 0, taskState: values["tr"] ?? 0)
    // The upper half of the descriptor: bit 21 is L.
    state.runs64BitCode = code.count > 4 && (UInt32(code[4], radix: 16) ?? 0) >> 21 & 1 == 1
    state.general = (generalNames + ["cr2"]).map { CPUState.Register(name: $0, value: values[$0] ?? 0) }
    return CPU(state: state, isInLongMode: (values["efer"] ?? 0) >> 10 & 1 == 1)
  }
}
