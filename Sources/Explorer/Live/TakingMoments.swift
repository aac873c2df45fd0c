import Guests
import PageTables

extension Explorer {
  /// What is shown now, to be compared with later.
  func currentMoment(called name: String? = nil) -> KeptMoment {
    KeptMoment(
      name: name ?? "moment \(live.moment)", memory: memory.base, spaces: tree.spaces.map(\.found),
      names: guest.names)
  }

  /// Why no moment can be taken now; nil when one can.
  var momentObstacle: String? {
    guard live.source != nil else { return "this source is no running machine: nothing changes in it" }
    return live.awaited != nil ? "a moment is being taken" : nil
  }

  /// Has the next moment taken.
  mutating func takeMoment() -> [ExplorerWork] {
    guard momentObstacle == nil else { return [] }
    live.number += 1
    live.awaited = live.number
    let base = live.base.flatMap { live.kept[$0] } ?? currentMoment()
    return [.takeMoment(request: live.number, comparedWith: base)]
  }

  /// Shows a moment that was taken, where the one before was: what was open and selected stays so.
  mutating func receive(moment: TakenMoment, request: Int) {
    guard live.awaited == request else { return }
    live.awaited = nil
    live.before = live.base.flatMap { live.kept[$0] } ?? currentMoment()
    live.moment += 1
    live.source = moment.source
    live.changes = moment.changes
    let hadOverlay = !overlay.made.isEmpty
    overlay = OverlayState()
    memory = OverlayMemory(over: moment.memory)
    registers = moment.registers
    warn(moment.spaces.warnings)
    if let names = moment.names { guest.receive(names: names, keepsOld: true) }
    guest.commandLines = moment.commandLines
    scan = .done
    indexing.running = nil
    indexing.index = moment.index
    indexing.hadNames = moment.names != nil
    sharing.forget()
    let selected = selectedRow.map { tree.id(of: $0) }
    let (memory, told) = (memory, guest.guest)
    keepingSelection {
      $0.setMoment(
        memory, moment.spaces.spaces, commandLines: moment.commandLines, told, moment.index, pinned: selected)
    }
    follow(.spaces)
    follow(.tables)
    let remark = hadOverlay ? "; mirrors made here ended with the moment before" : ""
    let news = moment.changes.map { "\($0.summary) since \($0.since)" } ?? "nothing to compare with"
    let event = moment.source.lastEvent.map { "\($0); " } ?? ""
    status = .note("moment \(live.moment): \(event)\(news)\(remark)")
  }

  /// Says why there is no new moment; the last one stays.
  mutating func receiveMomentFailure(_ text: String, request: Int) {
    guard live.awaited == request else { return }
    live.awaited = nil
    status = .error(text)
  }

  mutating func receive(changes: MomentChanges?, request: Int) {
    guard live.awaitedChanges == request else { return }
    live.awaitedChanges = nil
    guard let changes else { return }
    live.changes = changes
    follow(.tables)
    status = .note("\(changes.summary) since \(changes.since)")
  }

  /// Compares what is shown with a moment that was kept.
  mutating func compare(with kept: KeptMoment) -> [ExplorerWork] {
    live.before = kept
    live.number += 1
    live.awaitedChanges = live.number
    let comparison = MomentComparison(from: kept, to: currentMoment(), number: live.number)
    return [.compareMoments(request: live.number, comparison)]
  }
}
