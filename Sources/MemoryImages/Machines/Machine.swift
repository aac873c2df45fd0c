import PageTables

/// A processor architecture: the value of `e_machine` in an ELF header (System V ABI, "Machine").
public struct Machine: RawRepresentable, Hashable, Sendable {
  /// The number in the header.
  public let rawValue: UInt16

  /// The machine with that number, known or not.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Intel 80386: all 32-bit x86.
  public static let i386 = Machine(rawValue: 3)
  /// 32-bit ARM.
  public static let arm = Machine(rawValue: 40)
  /// AMD x86-64.
  public static let x86_64 = Machine(rawValue: 62)
  /// 64-bit ARM.
  public static let aarch64 = Machine(rawValue: 183)
  /// RISC-V, 32 and 64 bits.
  public static let riscv = Machine(rawValue: 243)

  /// The paging schemes of its processors, the likelier ones first; empty where its tables cannot be read.
  public var schemes: [PagingScheme] { Machine.schemeMakers[self]?() ?? [] }

  /// Whether its page tables can be read.
  public var isSupported: Bool { Machine.schemeMakers[self] != nil }

  /// Every file that is opened asks for support, which makes no scheme.
  private static let schemeMakers: [Machine: @Sendable () -> [PagingScheme]] = [
    .i386: { [X86.pae(), X86.paging32()] },
    .x86_64: { [X86.paging4Level(), X86.paging5Level()] },
    .aarch64: { AArch64.all() },
    .riscv: { RISCV.all() },
  ]

  /// The architectures whose tables can be read, for people.
  public static let supportedNames = "x86, AArch64 and RISC-V"

  /// For people; contains the number where the name is unknown.
  public var name: String { Machine.names[rawValue] ?? "processors of ELF's number \(rawValue)" }

  private static let names: [UInt16: String] = [
    2: "SPARC", 3: "x86 of 32 bits", 8: "MIPS", 15: "PA-RISC", 18: "SPARC", 20: "PowerPC", 21: "PowerPC64",
    22: "s390", 40: "ARM", 42: "SuperH", 43: "SPARC64", 50: "IA-64", 62: "x86-64", 94: "Xtensa",
    183: "AArch64", 243: "RISC-V", 258: "LoongArch",
  ]
}
