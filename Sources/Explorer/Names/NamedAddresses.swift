import Guests
import PageTables

extension Explorer {
  /// Names that Tab offers at most.
  private static let offerLimit = 100

  /// The address that a name stands for: a symbol of the guest's kernel, with or without `+offset`, or a region of
  /// the space; and how many others have the name.
  func namedTarget(_ text: String, in place: Int) -> (address: VirtualAddress, others: Int)? {
    let space = tree.spaces[place]
    guard let symbols = guest.guest(of: space)?.symbols, let wish = SymbolText(text.filter { $0 != " " }),
      let first = symbols.addresses(of: wish.name).first
    else { return guest[space.id]?.region(called: text).map { ($0.first, 0) } }
    let (address, overflow) = first.addingReportingOverflow(wish.offset)
    return overflow ? nil : (VirtualAddress(address), symbols.addresses(of: wish.name).count - 1)
  }

  /// Why a text leads nowhere.
  func unknownAddress(_ text: String) -> String {
    guard guest.source != nil else { return "'\(text)' is no address: hex digits, p:HEX, +HEX or -HEX" }
    let nearest = nearestName(to: text).map { "; Tab takes \($0)" } ?? ""
    return "no such symbol or region" + nearest
  }

  /// The symbol that begins most like a text.
  func nearestName(to text: String) -> String? {
    guard let wish = SymbolText(text.filter { $0 != " " }) else { return nil }
    return guest.knowledge?.guest.symbols?.name(nearestTo: wish.name)
  }

  /// The names of addresses that begin with a text: regions of the selected space, then symbols.
  func addressNames(startingWith text: String) -> [String] {
    guard !text.isEmpty, let space = selectedSpace else { return [] }
    var names: [String] = []
    let known = guest[space.id]?.addresses
    for regions in [known?.userRegions ?? [], known?.kernelRegions ?? []] {
      for region in regions where region.title.hasPrefix(text) {
        if !names.contains(region.title), names.count < Self.offerLimit { names.append(region.title) }
      }
    }
    let symbols = guest.guest(of: space)?.symbols
    return names + (symbols?.names(startingWith: text, limit: Self.offerLimit) ?? [])
  }
}

/// A symbol as a person types it, or as a kernel prints it: `do_idle`, `do_idle+1f`, `do_idle+0x1f/0x80`.
struct SymbolText: Equatable {
  let name: String
  let offset: UInt64

  /// Nil where what follows the name is no offset.
  init?(_ text: String) {
    let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, !first.isEmpty else { return nil }
    name = String(first)
    guard parts.count == 2 else {
      offset = 0
      return
    }
    let digits = parts[1].prefix { $0 != "/" }
    guard let offset = AddressText.parse(digits) else { return nil }
    self.offset = offset
  }
}
