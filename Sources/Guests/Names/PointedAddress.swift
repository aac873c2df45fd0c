import PageTables

/// A virtual address that a person types or a pointer holds, as a space takes it.
package struct PointedAddress: Hashable, Sendable {
  package let address: VirtualAddress
  /// What was left out of the number: `its tag ab left out`; nil where it is the address.
  package let remark: String?
}

extension AddressSpace {
  /// The address that a number means: itself, or what remains of it without a tag. A pointer's authentication code
  /// may be anything, and so it is taken for one only where something is mapped at what remains.
  package func pointed(at number: VirtualAddress, in memory: any PhysicalMemory) -> PointedAddress {
    guard let untagged = untagged(number) else { return PointedAddress(address: number, remark: nil) }
    switch untagged.content {
    case .tag(let tag):
      return PointedAddress(
        address: untagged.address, remark: "its tag \(String(tag, radix: 16)) left out")
    case .authenticationCode:
      guard translate(untagged.address, in: memory).page != nil else {
        return PointedAddress(address: number, remark: nil)
      }
      return PointedAddress(
        address: untagged.address, remark: "its pointer authentication code left out")
    }
  }

  /// Why no root translates an address, where windows have roots of their own: which addresses they have. Nil where
  /// one root translates all.
  package func reasonForNoWindow(
    of address: VirtualAddress, _ text: (VirtualAddress) -> String
  ) -> String? {
    guard scheme.upperRootRegister != nil else { return nil }
    if let register = missingRoot(for: address) {
      let others = windows.map { $0.rootRegister + "'s" }.joined(separator: " and ")
      return "an address of \(register)'s window; this space has only \(others)"
    }
    // The lowest window begins with the lowest address, and the highest ends with the highest.
    let bounds = windows.map { window in
      window.first.value == 0
        ? "\(window.rootRegister) to \(text(window.last))"
        : "\(window.rootRegister) from \(text(window.first))"
    }
    return (windows.count == 1 ? "outside of the window: " : "in neither window: ")
      + bounds.joined(separator: ", ")
  }
}
