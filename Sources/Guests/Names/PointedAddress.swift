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
  package func reasonForNoWindow(_ text: (VirtualAddress) -> String) -> String? {
    guard let upper = scheme.upperRootRegister else { return nil }
    let has = windows.map { "\($0.rootRegister) has \(text($0.first)) to \(text($0.last))" }
    let none = windows.count == 1 && windows[0].rootRegister == upper ? scheme.rootRegister : upper
    return (windows.count == 1 ? "outside of the window" : "in neither window") + ": "
      + (has + (windows.count == 1 ? ["\(none) is not this space's"] : [])).joined(separator: ", ")
  }
}
