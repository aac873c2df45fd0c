/// Which screen has the keyboard, and how one comes back from it.
extension Explorer {
  /// The screen that has the keyboard.
  var screen: Screen { Screen[screenID] }

  /// Lets a screen have the keyboard; the key that opened it closes it, too.
  mutating func enter(_ new: Screen.ID) {
    page = nil
    if new == screenID {
      screenID = trail.popLast() ?? .tree
      return
    }
    // What is asked about a row leads back to it.
    if let known = trail.firstIndex(of: new) {
      trail.removeSubrange(known...)
    } else if Screen[new].isQuestion, !screen.isHome {
      trail.append(screenID)
    } else {
      trail = []
    }
    screenID = new
  }

  /// Covers the screen with a page of text.
  mutating func show(_ newPage: TextPage, as new: Screen.ID) {
    page = newPage
    coveredScreen = screenID
    screenID = new
  }

  /// Closes the innermost thing that is open: a page, a list, the detail; then work that runs.
  mutating func cancel() -> [ExplorerWork] {
    if page != nil {
      page = nil
      screenID = coveredScreen
      return []
    }
    if screenID != .tree {
      screenID = trail.popLast() ?? .tree
      return []
    }
    if awaitedFind != nil {
      awaitedFind = nil
      status = .note("search for the physical address stopped")
      return [.cancelFindPhysical]
    }
    if awaitedGoing != nil {
      awaitedGoing = nil
      status = .note("going there stopped")
      return []
    }
    if slices.search != nil {
      slices.search = nil
      status = .note("search stopped")
      return []
    }
    if case .running = scan { return [.cancelScan] }
    if indexing.isRunning { return stopIndexing() }
    if !caption.text.isEmpty {
      caption.show("")
      return []
    }
    if !tree.filter.isEmpty {
      filter("")
      return []
    }
    query = ""
    return []
  }
}
