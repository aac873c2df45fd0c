/// How the folds of a list are opened and closed: with the keys that do it in the tree.
extension Screen {
  /// This list, which has folds.
  func withFolds() -> Screen {
    var screen = self
    let id = id
    screen.deeds[.openFold] = Deed(
      obstacle: { explorer in
        explorer.lists[id]?.selectedFold == nil ? "this row has nothing to open; Enter goes to it" : nil
      },
      perform: { $0.lists[id]?.openFold() })
    screen.deeds[.close] = Deed(
      obstacle: { $0.lists[id]?.closableFold == nil ? "nothing is open here" : nil },
      perform: { $0.lists[id]?.closeFold() })
    screen.deeds[.toggle] = Deed(
      obstacle: { explorer in
        explorer.lists[id]?.selectedFold == nil ? "this row has nothing to open or close" : nil
      },
      perform: { explorer in
        if let fold = explorer.lists[id]?.selectedFold { explorer.lists[id]?.toggle(fold: fold) }
      })
    return screen
  }
}

extension RowList {
  /// The fold around the selection, where it is open.
  fileprivate var closableFold: Int? { foldAround.flatMap { isOpen(fold: $0) ? $0 : nil } }

  /// Opens the selected fold; goes into one that is open.
  fileprivate mutating func openFold() {
    guard let fold = selectedFold else { return }
    if isOpen(fold: fold) { selection += 1 } else { toggle(fold: fold) }
  }

  /// Closes the selected fold; from one of its rows, goes to the one that stands for it.
  fileprivate mutating func closeFold() {
    guard let fold = closableFold else { return }
    if selectedFold == nil { select(fold: fold) } else { toggle(fold: fold) }
  }
}
