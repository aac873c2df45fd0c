/// A register that holds an address, under the name that people type.
package struct AddressRegister: Hashable, Sendable {
  package let name: String
  /// Another name for it: where a machine of 32 bits was dumped by a program that has 64, or without its exception level.
  package let shortName: String?
  package let value: UInt64
  /// Whether it holds a root, and not a virtual address.
  package let holdsRoot: Bool
}

extension CPUState {
  /// All registers that hold addresses, as far as the source has them.
  package var addressRegisters: [AddressRegister] {
    guard isOfX86 else {
      let virtual = [Register(name: "pc", value: instructionPointer)] + general
      return virtual.map {
        AddressRegister(name: $0.name, shortName: nil, value: $0.value, holdsRoot: false)
      }
        + roots.map {
          AddressRegister(
            name: $0.name, shortName: $0.name.split(separator: "_").first.map(String.init), value: $0.value,
            holdsRoot: true)
        }
    }
    let tables = [("gdtr", segmentTable), ("idtr", interruptTable), ("tr", taskState)].filter { $0.1 != 0 }
    let virtual = [("rip", instructionPointer)] + general.map { ($0.name, $0.value) } + tables
    return virtual.map { name, value in
      // R8 to R15 have none, and e8 is an address.
      let isOld = name.hasPrefix("r") && name.dropFirst().allSatisfy(\.isLetter)
      return AddressRegister(
        name: name, shortName: isOld ? "e" + name.dropFirst() : nil, value: value, holdsRoot: false)
    } + [AddressRegister(name: "cr3", shortName: nil, value: cr3, holdsRoot: true)]
  }

  /// What the registers with roots hold, that of the lowest addresses first.
  package var rootRegisters: [UInt64] { isOfX86 ? [cr3] : roots.map(\.value) }

  private var roots: [Register] {
    translation.filter { ["ttbr0_el1", "ttbr1_el1", "satp"].contains($0.name) }
  }
}
