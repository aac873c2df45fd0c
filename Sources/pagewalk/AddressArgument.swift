import Guests
import PageTables
import Records

/// An address as a person types it: hexadecimal, or a symbol of the guest's kernel, and after either `+offset`.
/// What the kernel prints behind an offset, `/0x80`, is passed over.
struct AddressArgument {
  private enum Base {
    case number(UInt64)
    case symbol(String)
  }

  private let base: Base
  private let offset: UInt64
  private let text: String

  /// nil for a text that can be neither; what reads as a number is one.
  init?(_ text: some StringProtocol) {
    self.text = String(text)
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
    } else if AddressArgument.isSymbol(first) {
      base = .symbol(String(first))
    } else {
      return nil
    }
  }

  /// What compilers and linkers let a name be.
  private static func isSymbol(_ text: some StringProtocol) -> Bool {
    guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
    return text.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        || $0 == "." || $0 == "$"
    }
  }

  var isSymbol: Bool {
    if case .symbol = base { return true }
    return false
  }

  /// The address.
  ///
  /// - Parameter symbols: asked for only where one is meant.
  func address(symbols: () throws -> KernelSymbols?) throws -> VirtualAddress {
    let start: UInt64
    switch base {
    case .number(let number): start = number
    case .symbol(let name):
      guard let symbols = try symbols() else {
        throw Failure(
          "'\(text)' is no address: not hexadecimal, and no kernel's symbols are known in this memory")
      }
      let found = symbols.addresses(of: name)
      guard let first = found.first else {
        guard symbols.hasData else {
          throw Failure(
            "'\(name)' is no address: not hexadecimal, and none of the kernel's \(symbols.count) symbols; "
              + "this kernel's table has no data symbols")
        }
        let near = symbols.names(like: name)
        throw Failure(
          "'\(name)' is no address: not hexadecimal, and none of the kernel's \(symbols.count) symbols"
            + (near.isEmpty ? "" : "; did you mean " + near.joined(separator: ", ") + "?"))
      }
      if found.count > 1 {
        complain("\(found.count) symbols are called \(name); this is the one at \(AddressText.hex(first))")
      }
      start = first
    }
    let (sum, overflow) = start.addingReportingOverflow(offset)
    guard !overflow else { throw Failure("'\(text)' does not fit into 64 bits") }
    return VirtualAddress(sum)
  }

  /// The address, or a failure that says what one looks like.
  static func parse(_ text: String) throws -> AddressArgument {
    guard let argument = AddressArgument(text) else {
      throw Failure(
        "'\(text)' is no address: hexadecimal digits, with or without 0x, up to 16 of them; or symbol+offset")
    }
    return argument
  }
}

/// A range `A..B` of such addresses; either may be left out, and `B` is not in it.
struct AddressRangeArgument {
  let first: AddressArgument?
  let end: AddressArgument?

  /// nil for a text that is none.
  init?(_ text: String) {
    guard let dots = AddressRangeArgument.dots(in: text) else { return nil }
    let left = text[..<dots]
    let right = text[text.index(dots, offsetBy: 2)...]
    first = left.isEmpty ? nil : AddressArgument(left)
    end = right.isEmpty ? nil : AddressArgument(right)
    if !left.isEmpty && first == nil || !right.isEmpty && end == nil { return nil }
  }

  private static func dots(in text: String) -> String.Index? {
    text.indices.dropLast().first { text[$0] == "." && text[text.index(after: $0)] == "." }
  }
}
