import Canvas
import PageTables

extension Explorer {
  /// Has all spaces indexed behind what the person does.
  mutating func startIndexing() -> [ExplorerWork] {
    guard !tree.spaces.isEmpty else { return [] }
    indexing.number += 1
    indexing.hadNames = guest.names != nil
    indexing.running = (indexing.number, 0)
    indexing.isCancelled = false
    // Lists that are open say what they wait for.
    follow(.index)
    let found = tree.spaces.map(\.found)
    return [.index(request: indexing.number, found.map(\.space), SpaceCensus(found))]
  }

  mutating func stopIndexing() -> [ExplorerWork] {
    indexing.running = nil
    indexing.isCancelled = true
    follow(.index)
    status = .warning("indexing stopped: who shares what is not known; :index starts it again")
    return [.cancelIndex]
  }

  /// Forgets what is known of all spaces, because the spaces or their tables changed.
  mutating func dropIndex() {
    indexing.index = nil
    indexing.running = nil
    if tree.knowledge != nil { keepingSelection { $0.setKnowledge(nil) } }
    sharing.forget()
  }

  mutating func receive(index: ExplorerIndex, request: Int) -> [ExplorerWork] {
    guard indexing.running?.number == request else { return [] }
    sharing.forget()
    indexing.running = nil
    indexing.index = index
    let selected = selectedRow.map { tree.id(of: $0) }
    keepingSelection { $0.setKnowledge(index, pinned: selected) }
    follow(.index)
    // The guest was read while it was being made: once more, with what that tells.
    return guest.names != nil && !indexing.hadNames ? startIndexing() : []
  }

  /// Why a view of all spaces has nothing to show yet.
  var awaitedText: String {
    if indexing.isRunning { return "spaces are being indexed; this fills in automatically" }
    if case .running = scan { return "searching memory for spaces first; this fills in automatically" }
    return indexing.isCancelled ? "indexing was stopped; :index starts it again" : "no space is indexed"
  }
}
