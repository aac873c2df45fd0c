import Guests
import PageTables
import Records

/// An address on the command line, and what is said where it is none.
struct AddressArgument {
  private let typed: TypedAddress
  private let text: String

  /// nil for a text that can be neither; what reads as a number is one.
  init?(_ text: some StringProtocol) {
    guard let typed = TypedAddress(text) else { return nil }
    self.typed = typed
    self.text = String(text)
  }

  var isSymbol: Bool { typed.isSymbol }

  /// The address.
  ///
  /// - Parameter symbols: asked for only where one is meant.
  func address(symbols: () throws -> KernelSymbols?) throws -> VirtualAddress {
    switch try typed.resolved(symbols: symbols) {
    case .success((let address, let others)):
      if others > 0, let name = typed.symbol {
        let distance = typed.offset.distance
        let first = AddressText.hex(
          typed.offset.isBackward ? address.value &+ distance : address.value &- distance)
        complain("\(others + 1) symbols are called \(name); this is the one at \(first)")
      }
      return address
    case .failure(.noSymbols):
      throw Failure(
        "'\(text)' is not an address: not hexadecimal, and no kernel's symbols are known in this memory")
    case .failure(.tooLarge): throw Failure("'\(text)' does not fit into 64 bits")
    case .failure(.noSuchSymbol(let name, let symbols)):
      let what =
        "'\(name)' is not an address: not hexadecimal, and none of the kernel's \(symbols.count) symbols"
      let near = symbols.names(like: name)
      guard symbols.hasData else { throw Failure(what + "; this kernel's table has no data symbols") }
      throw Failure(what + (near.isEmpty ? "" : "; did you mean " + near.joined(separator: ", ") + "?"))
    }
  }

  /// The address, or a failure that says what one looks like.
  static func parse(_ text: String) throws -> AddressArgument {
    guard let argument = AddressArgument(text) else {
      throw Failure(
        "'\(text)' is not an address: hexadecimal digits, with or without 0x, up to 16 of them; or symbol+offset"
      )
    }
    return argument
  }
}

extension AddressSpace {
  /// The address that a number on the command line means; says so where that is not the number itself.
  func typed(_ number: VirtualAddress, in memory: any PhysicalMemory) -> VirtualAddress {
    let pointed = pointed(at: number, in: memory)
    if let remark = pointed.remark {
      complain("\(Hex(number)) is taken as \(Hex(pointed.address)): \(remark)")
    }
    return pointed.address
  }

  /// Why the address is translated by no root.
  func refusal(of address: VirtualAddress) -> Failure {
    let why = reasonForNoWindow(of: address) { Hex($0).description }
    if missingRoot(for: address) != nil, let why {
      return Failure("\(Hex(address)) is \(why); choose the space of a process, or another address")
    }
    return Failure(
      "\(Hex(address)) is not canonical under \(scheme.title)\(why.map { ", " + $0 } ?? ""); "
        + "the nearest address that is: \(Hex(nearestTranslated(to: address)))")
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
