import Canvas
import Guests
import PageTables

extension Explorer {
  /// Names that Tab offers at most.
  private static let offerLimit = 100

  /// Where a name leads: a symbol of the guest's kernel or a region of the space, with or without an offset; a process;
  /// or the beginning of a region's name, or of a process's.
  func named(_ text: String, in spaceNumber: Int, mayBeSpace: Bool) -> Destination {
    let space = tree.spaces[spaceNumber]
    let symbols = guest.guest(of: space)?.symbols
    if let wish = TypedAddress(text.filter { $0 != " " }) {
      switch wish.resolved(symbols: { symbols }) {
      case .success((let address, let others)):
        let remark = others > 0 ? "\(others) more with that name at higher addresses" : ""
        return .address(Destination.Place(spaceNumber, address, remark: remark))
      case .failure(.tooLarge): return .nowhere("'\(text)' does not fit into 64 bits")
      case .failure(.noSymbols), .failure(.noSuchSymbol): break
      }
    }
    if guest.canName(space), guest[space.id] == nil { return .awaitsNames(spaceNumber: spaceNumber) }
    if let place = guest[space.id]?.region(called: text) {
      return .address(self.place(of: place, spaceNumber))
    }
    if mayBeSpace, let found = spacePrefix(of: text + ":") {
      return .space(found.spaceNumber, others: found.others)
    }
    if let found = guest[space.id]?.regions(calledLike: text) {
      return .address(place(of: found.first, spaceNumber, others: found.others))
    }
    if let parts = TypedAddress.parts(of: text), parts.offset != .none,
      let region = guest[space.id]?.region(called: parts.base.trimmed)
    {
      guard let address = parts.offset.from(region.first.value) else {
        return .nowhere("'\(text)' does not fit into 64 bits")
      }
      return .address(Destination.Place(spaceNumber, VirtualAddress(address)))
    }
    if mayBeSpace, let found = spaces(startingWith: text) { return found }
    return unknown(text, in: space)
  }

  private func place(of region: NamedRegion, _ spaceNumber: Int, others: Int = 0) -> Destination.Place {
    var place = Destination.Place(spaceNumber, region.first)
    place.region = region
    if others > 0 { place.remark = "\(others) more \(others == 1 ? "name begins" : "names begin") like that" }
    return place
  }

  /// The first space whose name begins with a text.
  private func spaces(startingWith text: String) -> Destination? {
    let text = text.lowercased()
    let found = tree.spaces.indices.filter { tree.spaces[$0].name.lowercased().hasPrefix(text) }
    return found.first.map { .space($0, others: found.count - 1) }
  }

  /// Why a text leads nowhere, and what comes near.
  private func unknown(_ text: String, in space: TreeSpace) -> Destination {
    let near = nearestName(to: text)
    if let colon = text.firstIndex(of: ":"), guest[space.id]?.region(called: text) == nil {
      let name = CellText.visible(String(text[..<colon]))
      let rest = String(text[colon...])
      let called = String(text[..<colon]).nearest(among: tree.spaces.lazy.map(\.name)).map { $0 + rest }
      return .nowhere("no space is called '\(name)'", suggestion: called ?? near)
    }
    guard guest.names != nil else {
      return .nowhere("'\(text)' is not an address: hex digits, NAME:HEX, p:HEX, +HEX, *HEX")
    }
    return .nowhere(
      near == nil ? "no such symbol, region or process" : "no such name", suggestion: near)
  }

  /// The symbol that comes closest to a text.
  private func nearestName(to text: String) -> String? {
    guard let name = TypedAddress(text.filter { $0 != " " })?.symbol else { return nil }
    return guest.names?.symbols?.names(like: name, limit: 1).first
  }

  // MARK: Completion

  /// What a text after `g` could become: registers, regions of the space, processes, symbols.
  func addressNames(startingWith text: String) -> [String] {
    guard let row = selectedRow else { return [] }
    if let named = spacePrefix(of: text) {
      let lead = named.prefix
      return named.rest.isEmpty
        ? [] : names(startingWith: named.rest, in: named.spaceNumber).map { lead + $0 }
    }
    let names = names(startingWith: text, in: Int(row.space))
    return text.hasPrefix("*") ? names : names + spaceNames(startingWith: text)
  }

  private func names(startingWith text: String, in spaceNumber: Int) -> [String] {
    let stars = text.prefix { $0 == "*" }
    let text = String(text.dropFirst(stars.count))
    guard !text.isEmpty else { return [] }
    let space = tree.spaces[spaceNumber]
    var names = registers.names(startingWith: text)
    let known = guest[space.id]?.addresses
    for regions in [known?.userRegions ?? [], known?.kernelRegions ?? []] {
      for region in regions where region.hasName(startingWith: text) {
        if !names.contains(region.title), names.count < Self.offerLimit { names.append(region.title) }
      }
    }
    let symbols = guest.guest(of: space)?.symbols
    names += symbols?.names(startingWith: text, limit: Self.offerLimit) ?? []
    return names.map { stars + $0 }
  }

  /// Spaces as `g` takes them, the pid with them where several have one name.
  private func spaceNames(startingWith text: String) -> [String] {
    guard !text.isEmpty else { return [] }
    let wanted = text.lowercased()
    let found = tree.spaces.filter { $0.name.lowercased().hasPrefix(wanted) }.prefix(Self.offerLimit)
    var counts: [String: Int] = [:]
    for space in found { counts[space.name, default: 0] += 1 }
    var names: [String] = []
    for space in found {
      let name = (counts[space.name] == 1 ? space.name : space.label) + ":"
      if !names.contains(name) { names.append(name) }
    }
    return names
  }
}
