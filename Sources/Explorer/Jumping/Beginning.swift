import Canvas
import Guests
import PageTables

/// Where the command line asks to begin.
extension Explorer {
  /// Goes to a space by its name, process id or root, and there to what `g` takes; that may name the space once more.
  mutating func begin(inSpace name: String?, at address: String?) -> [ExplorerWork] {
    guard let row = selectedRow else {
      if live.source == nil {
        status = .error("no address space is known")
      } else {
        live.beginning = (name, address)
        status = .warning("no address space is known yet; r looks again")
      }
      return []
    }
    var text = (address ?? "").trimmed
    guard let name else { return goto(text, in: Int(row.space), namesSpace: true, canWait: true) }
    let wish = name.trimmed
    guard let found = space(called: wish.hasPrefix("pid:") ? String(wish.dropFirst(4)) : wish) else {
      let shown = CellText.visible(wish)
      status = .error("no space has '\(shown)' as its name, process id or root" + nearestSpace(to: wish))
      return []
    }
    // Of several spaces of a name, the one that is selected is meant.
    if let place = tree.reveal(space: found.number, virtual: VirtualAddress(0), level: -1) {
      selection = place.index
    }
    if !text.isEmpty, let again = spacePrefix(of: text) {
      guard again.spaceNumber == found.number else {
        let (one, other) = (tree.spaces[found.number].label, tree.spaces[again.spaceNumber].label)
        status = .error("two spaces are named, \(one) and \(other)")
        return []
      }
      text = again.rest
    }
    guard text.isEmpty else { return goto(text, in: found.number, namesSpace: false, canWait: true) }
    go(to: .space(found.number))
    status = .note(
      tree.spaces[found.number].label + (found.others > 0 ? "; \(found.others) more are called so" : ""))
    return []
  }

  /// The space that comes nearest to a wish: a root by its number, another by its name.
  private func nearestSpace(to wish: String) -> String {
    if let name = wish.nearest(among: tree.spaces.lazy.map(\.name)) { return "; nearest: \(name)" }
    if let address = AddressText.parse(wish) {
      func distance(_ space: TreeSpace) -> UInt64 {
        max(space.root.value, address) - min(space.root.value, address)
      }
      let nearest = tree.spaces.min { distance($0) < distance($1) }
      return nearest.map { "; nearest root: \(Numbers.hex($0.root)), of \($0.label)" } ?? ""
    }
    return "; there are " + tree.spaces.prefix(4).map(\.label).joined(separator: ", ")
      + (tree.spaces.count > 4 ? " and \(tree.spaces.count - 4) more" : "")
  }
}
