import PageTables

/// An address as people type it or kernels print it: a hexadecimal number, or a symbol of the guest's kernel,
/// optionally followed by `+offset` or `-offset`. A size after the offset, as kernels print it (`/0x80`), is ignored.
package struct TypedAddress: Hashable, Sendable {
  package enum Base: Hashable, Sendable {
    case number(UInt64)
    case symbol(String)
  }

  /// Bytes after an address, or before it.
  package struct Offset: Hashable, Sendable {
    package let distance: UInt64
    package let isBackward: Bool

    package static let none = Offset(distance: 0, isBackward: false)

    /// The address that lies there; nil where it does not fit into 64 bits.
    package func from(_ start: UInt64) -> UInt64? {
      let (sum, overflow) =
        isBackward ? start.subtractingReportingOverflow(distance) : start.addingReportingOverflow(distance)
      return overflow ? nil : sum
    }
  }

  package let base: Base
  package let offset: Offset

  /// Nil for a text that can be neither; a text that can be read as a number is a number.
  package init?(_ text: some StringProtocol) {
    guard let parts = TypedAddress.parts(of: text) else { return nil }
    offset = parts.offset
    if let number = AddressText.parse(parts.base) {
      base = .number(number)
    } else if TypedAddress.isSymbol(parts.base) {
      base = .symbol(parts.base)
    } else {
      return nil
    }
  }

  /// What stands before the last sign of a text, and the offset; all of it where there is no sign. Nil where a sign
  /// is followed by anything but an offset.
  package static func parts(of text: some StringProtocol) -> (base: String, offset: Offset)? {
    guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return (String(text), .none) }
    let digits = text[text.index(after: sign)...].split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = digits.first, let distance = AddressText.parse(first) else { return nil }
    if digits.count == 2, AddressText.parse(digits[1]) == nil { return nil }
    return (String(text[..<sign]), Offset(distance: distance, isBackward: text[sign] == "-"))
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
    guard let sum = offset.from(start) else { return .failure(.tooLarge) }
    return .success((VirtualAddress(sum), others))
  }
}
