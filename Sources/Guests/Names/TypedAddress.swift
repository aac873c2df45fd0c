import PageTables

/// An address as people type it or kernels print it: a hexadecimal number, or a symbol of the guest's kernel,
/// optionally followed by `+offset`. A size after the offset, as kernels print it (`/0x80`), is ignored.
package struct TypedAddress: Hashable, Sendable {
  package enum Base: Hashable, Sendable {
    case number(UInt64)
    case symbol(String)
  }

  package let base: Base
  package let offset: UInt64

  /// Nil for a text that can be neither; a text that can be read as a number is a number.
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

  /// The symbol; nil for a number.
  package var symbol: String? { if case .symbol(let name) = base { name } else { nil } }

  /// Whether the text consists of characters that compilers and linkers allow in names.
  private static func isSymbol(_ text: some StringProtocol) -> Bool {
    guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
    return text.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        || $0 == "." || $0 == "$"
    }
  }

  /// Why a text does not give an address.
  package enum Problem: Error, Sendable {
    /// The text is not a number, and the kernel has no symbol of that name.
    case noSuchSymbol(String, in: KernelSymbols)
    /// The text is a symbol, and no symbols are known.
    case noSymbols
    case tooLarge
  }

  /// The address, and how many other symbols have the same name.
  ///
  /// - Parameter symbols: called only if the text is a symbol.
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
        return .failure(.noSuchSymbol(name, in: symbols))
      }
      start = first
      others = found.count - 1
    }
    let (sum, overflow) = start.addingReportingOverflow(offset)
    return overflow ? .failure(.tooLarge) : .success((VirtualAddress(sum), others))
  }
}
