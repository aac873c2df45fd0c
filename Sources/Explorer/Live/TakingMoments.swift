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
  ///
  /// - Parameter isScheduled: whether nobody asked for this one by itself.
  mutating func takeMoment(isScheduled: Bool = false) -> [ExplorerWork] {
    guard momentObstacle == nil else { return [] }
    live.number += 1
    live.awaited = live.number
    live.isAwaitedBySchedule = isScheduled
    let base = live.base.flatMap { live.kept[$0] } ?? currentMoment()
    return [.takeMoment(request: live.number, comparedWith: base)]
  }

  /// Shows a moment that was taken, where the one before was: what was open and selected stays so.
  mutating func receive(moment: TakenMoment, request: Int) -> [ExplorerWork] {
    guard live.awaited == request else { return [] }
    live.awaited = nil
    let goal = landing
    // What changed stays in sight until something changes again: nobody looks all the time, and a debugger may stop twice for
    // one step, the second time before the first moment is read.
    let isQuiet =
      live.isAwaitedBySchedule && live.base == nil && live.moment > 1 && moment.changes?.list.isEmpty == true
    live.quietMoments = isQuiet ? live.quietMoments + 1 : 0
    live.source = moment.source
    let numbers = Dictionary(tree.spaces.enumerated().map { ($1.id, $0) }) { first, _ in first }
    if !isQuiet {
      live.before = live.base.flatMap { live.kept[$0] } ?? currentMoment()
      live.moment += 1
      live.changes = moment.changes
    }
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
    if isQuiet { live.changes = live.changes?.renumbered(tree.spaces.map { numbers[$0.id] }) }
    follow(.spaces)
    follow(.tables)
    let remark = hadOverlay ? "; mirrors made here ended with the moment before" : ""
    let news = moment.changes.map { "\($0.summary) since \($0.since)" } ?? "nothing to compare with"
    let event = moment.source.lastEvent.map { "\($0); " } ?? ""
    land(again: goal)
    if !isQuiet {
      status = .note("moment \(live.moment): \(event)\(news)\(remark)")
    } else if live.watch == nil {
      // A debugger's step: the person waits for an answer.
      status = .note("\(event)nothing changed; the signs are those of moment \(live.moment)")
    }
    return beginAtLast()
  }

  /// Goes again to the address that a jump asked for, as long as nobody went on from there: by now more may be mapped.
  private mutating func land(again goal: Landing?) {
    guard let goal, goal.row.kind != .space, screen.isHome,
      let space = tree.spaces.firstIndex(where: { $0.id == goal.row.space })
    else { return }
    let reached = tree.spaces[space].found.space.translate(goal.virtual, in: memory).steps.last
    let level = reached?.level ?? goal.row.level
    reveal(SlicedWork.TreeGoal(space: space, virtual: goal.virtual, level: level, kind: .entry, isBack: true))
  }

  /// Goes where the command line asked to begin, now that there is something.
  private mutating func beginAtLast() -> [ExplorerWork] {
    guard let beginning = live.beginning, !tree.spaces.isEmpty else { return [] }
    live.beginning = nil
    return begin(inSpace: beginning.space, at: beginning.address)
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
