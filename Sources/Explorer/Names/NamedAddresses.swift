import Guests
import PageTables

extension Explorer {
  /// Names that Tab offers at most.
  private static let offerLimit = 100

  /// The address that a name stands for: a symbol of the guest's kernel, with or without `+offset`, or a region of
  /// the space; and how many others have the name.
  func namedTarget(_ text: String, in spaceNumber: Int) -> (address: VirtualAddress, others: Int)? {
    let space = tree.spaces[spaceNumber]
    let symbols = guest.guest(of: space)?.symbols
    if let wish = TypedAddress(text.filter { $0 != " " }),
      case .success(let found) = wish.resolved(symbols: { symbols })
    {
      return found
    }
    return guest[space.id]?.region(called: text).map { ($0.first, 0) }
  }

  /// Why a text leads nowhere.
  func unknownAddress(_ text: String) -> String {
    if let wish = TypedAddress(text.filter { $0 != " " }),
      case .failure(.tooLarge) = wish.resolved(symbols: { guest.names?.symbols })
    {
      return "'\(text)' does not fit into 64 bits"
    }
    guard guest.names != nil else { return "'\(text)' is not an address: hex digits, p:HEX, +HEX or -HEX" }
    let nearest = nearestName(to: text).map { "; Tab takes \($0)" } ?? ""
    return "no such symbol or region" + nearest
  }

  /// The symbol that comes closest to a text.
  func nearestName(to text: String) -> String? {
    guard let name = TypedAddress(text.filter { $0 != " " })?.symbol else { return nil }
    return guest.names?.symbols?.names(like: name, limit: 1).first
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
