import MemoryImages
import PageTables

/// The registers of all CPUs that a source's notes have, by the names that people type.
package struct Registers: Sendable {
  typealias Register = AddressRegister

  private struct CPU: Sendable {
    let registers: [Register]
    /// The registers with roots, as they are read.
    let roots: [UInt64]
  }

  /// What a text like `rip@1` stands for.
  enum Answer: Equatable {
    /// The register, its CPU, and what that CPU's root registers hold.
    case register(Register, cpu: Int, roots: [UInt64])
    case noSuchCPU(Int)
    case noRegister
  }

  private let cpus: [CPU]

  /// No registers.
  package init() { cpus = [] }

  /// The registers of a machine's CPUs, in the order of their numbers.
  package init(_ states: [CPUState]) {
    cpus = states.map { CPU(registers: $0.addressRegisters, roots: $0.rootRegisters) }
  }

  var isEmpty: Bool { cpus.isEmpty }

  /// How many CPUs there are.
  var count: Int { cpus.count }

  /// A register by its name, of the first CPU, or of the one whose number follows an `@`.
  func answer(to text: String) -> Answer {
    let parts = text.lowercased().split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first.map(String.init), let number = parts.count == 2 ? Int(parts[1]) : 0 else {
      return .noRegister
    }
    func register(of cpu: CPU) -> Register? {
      cpu.registers.first { $0.name == name || $0.shortName == name }
    }
    guard cpus.contains(where: { register(of: $0) != nil }) else { return .noRegister }
    guard cpus.indices.contains(number) else { return .noSuchCPU(number) }
    guard let register = register(of: cpus[number]) else { return .noRegister }
    return .register(register, cpu: number, roots: cpus[number].roots)
  }

  /// The names that begin with a text: of the first CPU, and with their numbers of the others.
  func names(startingWith text: String) -> [String] {
    let text = text.lowercased()
    return cpus.enumerated().flatMap { number, cpu in
      cpu.registers.map { number == 0 ? $0.name : "\($0.name)@\(number)" }
    }.filter { $0.hasPrefix(text) }
  }
}
