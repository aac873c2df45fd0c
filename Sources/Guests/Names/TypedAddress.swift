import PageTables

/// An address as a person types it, or a kernel prints it: hexadecimal, or a symbol of the guest's kernel, and after
/// either `+offset`. What kernels print behind an offset, `/0x80`, is passed over.
package struct TypedAddress: Hashable, Sendable {
  package enum Base: Hashable, Sendable {
    case number(UInt64)
    case symbol(String)
  }

  package let base: Base
  package let offset: UInt64

  /// nil for a text that can be neither; what reads as a number is one.
  package init?(_ text: some StringProtocol) {
    if let number = AddressText.parse(text) {
      base = .number(number)
      offset = 0
      return
    }
    let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first else { return nil }
    if parts.count == 2 {
      let digits = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let value = AddressText.parse(digits[0]) else { return nil }
      if digits.count == 2, AddressText.parse(digits[1]) == nil { return nil }
      offset = value
    } else {
      offset = 0
    }
    if let number = AddressText.parse(first) {
      base = .number(number)
    } else if TypedAddress.isSymbol(first) {
      base = .symbol(String(first))
    } else {
      return nil
    }
  }

  package var isSymbol: Bool { symbol != nil }

  /// The symbol that is meant; nil for a number.
  package var symbol: String? { if case .symbol(let name) = base { name } else { nil } }

  /// What compilers and linkers let a name be.
  private static func isSymbol(_ text: some StringProtocol) -> Bool {
    guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
    return text.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        || $0 == "." || $0 == "$"
    }
  }

  /// Why a text leads to no address.
  package enum Problem: Error, Hashable, Sendable {
    /// The kernel has no symbol of that name, nor is it a number; those that come closest, and whether the kernel's
    /// table has data at all.
    case noSuchSymbol(String, count: Int, near: [String], hasData: Bool)
    /// A symbol is meant, and none are known.
    case noSymbols
    case tooLarge
  }

  /// The address, and how many others have the symbol's name.
  ///
  /// - Parameter symbols: asked for only where one is meant.
  package func resolved<Failure: Error>(
    symbols: () throws(Failure) -> KernelSymbols?
  ) throws(Failure) -> Result<(address: VirtualAddress, others: Int), Problem> {
    let start: UInt64
    var others = 0
    switch base {
    case .number(let number): start = number
    case .symbol(let name):
      guard let symbols = try symbols() else { return .failure(.noSymbols) }
      let found = symbols.addresses(of: name)
      guard let first = found.first else {
        return .failure(
          .noSuchSymbol(
            name, count: symbols.count, near: symbols.names(like: name), hasData: symbols.hasData))
      }
      start = first
      others = found.count - 1
    }
    let (sum, overflow) = start.addingReportingOverflow(offset)
    return overflow ? .failure(.tooLarge) : .success((VirtualAddress(sum), others))
  }
}
