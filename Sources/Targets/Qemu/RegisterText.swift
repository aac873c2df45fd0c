import MemoryImages

/// Reads what QEMU's `info registers -a` prints.
enum RegisterText {
  /// The CPUs, as far as the text tells; none of a machine whose text is not known.
  static func cpus(_ text: String, of machine: Machine?) -> [CPUState] {
    switch machine {
    case .aarch64: all(text).compactMap(aarch64)
    case .riscv: all(text).compactMap(riscv)
    case .arm: []
    default: X86RegisterText.cpus(text).map(\.state)
    }
  }

  /// The words of each CPU.
  private static func all(_ text: String) -> [[Substring]] {
    var all: [[Substring]] = []
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("CPU#") { all.append([]) } else if all.isEmpty { all = [[]] }
      if !line.hasPrefix("CPU#") { all[all.count - 1] += line.split { $0 == " " || $0 == "=" } }
    }
    return all
  }

  /// ` PC=ffffc81a143af4fc X00=0000000000028ebc ..  SP=ffffc81a15013d50`. QEMU shows no system registers here, so those
  /// that hold roots are missing.
  private static func aarch64(_ words: [Substring]) -> CPUState? {
    var counter: UInt64?
    var general: [CPUState.Register] = []
    for (name, word) in zip(words, words.dropFirst()) {
      guard let value = UInt64(word, radix: 16) else { continue }
      switch name {
      case "PC": counter = value
      case "SP": general.insert(CPUState.Register(name: "sp", value: value), at: 0)
      default:
        guard name.first == "X", let number = Int(name.dropFirst()), number <= 30 else { continue }
        general.append(CPUState.Register(name: "x\(number)", value: value))
      }
    }
    return counter.map { CPUState(translation: [], instructionPointer: $0, general: general) }
  }

  /// ` pc       ffffffff80a73f30`, ` satp     a001800000083226`, ` x1/ra    ffffffff80a75bc4 x2/sp    ffffffff81c03de0`.
  private static func riscv(_ words: [Substring]) -> CPUState? {
    var counter: UInt64?
    var general: [CPUState.Register] = []
    var translation: [CPUState.Register] = []
    for (name, word) in zip(words, words.dropFirst()) {
      guard let value = UInt64(word, radix: 16) else { continue }
      switch name {
      case "pc": counter = value
      // The one of 32 bits has its mode in another place.
      case "satp" where word.count == 16: translation = [CPUState.Register(name: "satp", value: value)]
      default:
        let names = name.split(separator: "/")
        guard names.count == 2, names[0].first == "x", let number = Int(names[0].dropFirst()), number > 0
        else {
          continue
        }
        // What the calling convention calls a0 to a7 are addresses when they are typed.
        let isAddress = UInt64(names[1], radix: 16) != nil
        general.append(CPUState.Register(name: String(names[isAddress ? 0 : 1]), value: value))
      }
    }
    return counter.map { CPUState(translation: translation, instructionPointer: $0, general: general) }
  }
}
