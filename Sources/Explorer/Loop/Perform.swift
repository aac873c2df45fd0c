import Canvas
import PageTables

extension Explorer {
  /// Why a command can do nothing now; nil when it can.
  func obstacle(to command: Command) -> String? {
    guard command.description.places.contains(place) else { return "\(command.rawValue) does nothing here" }
    switch command {
    case .open where list != nil: return selectedTarget == nil ? "no row is selected" : nil
    case .open where place == .matrix || place == .map: return pictureObstacle
    case .toggle where place == .aliases:
      return list?.selectedRow.map { aliasPane?.isOpenable($0) == true } == true
        ? nil : "this is the only mapping of its group"
    case .open, .toggle: return selectedRow?.isOpenable != true ? "nothing lies below this row" : nil
    case .close:
      return selectedRow.map { $0.isOpen || $0.indent > 0 } == true ? nil : "nothing is open here"
    case .back: return jumps.canGoBack ? nil : "no jump to go back from"
    case .forward: return jumps.canGoForward ? nil : "no jump to go forward to"
    case .searchNext, .searchPrevious: return query.isEmpty ? "nothing was searched for; / does" : nil
    case .goto, .copy, .mark: return selectedRow == nil ? "there is no space" : nil
    case .jump: return marks.isEmpty ? "no row is marked; m and a letter marks one" : nil
    case .warnings: return warnings.isEmpty ? "there are no warnings" : nil
    case .scan:
      if case .running = scan { return "the scan is running" }
      return scan == .done ? "all of memory was searched" : nil
    case .regions:
      guard let place = askedSpace else { return "there is no space" }
      return guest.canName(tree.spaces[place]) ? nil : unknownGuestText
    case .guest: return guest.knowledge == nil ? unknownGuestText : nil
    case .shared, .mirrors, .findings, .aliases, .matrix, .map, .frame, .index, .mirror, .unmirror:
      return sharingObstacle(to: command)
    case .parent: return selectedRow.map { $0.indent > 0 } == true ? nil : "a space lies below nothing"
    default: return nil
    }
  }

  private var unknownGuestText: String {
    if case .capture = guest.source {
      return "a capture keeps the names of processes and regions, no more of the guest"
    }
    return "no Linux guest is known in this memory" + (isBusy ? " so far" : "")
  }

  mutating func perform(_ line: CommandLine) -> [ExplorerWork] {
    let command = line.command
    if let obstacle = obstacle(to: command) {
      // A script must not go on as if there were a mirror, or one less.
      let isChange = command == .mirror || command == .unmirror
      status = isChange ? .error(obstacle) : .warning(obstacle)
      return [.bell]
    }
    status = .empty
    switch command {
    case .down, .up, .pageDown, .pageUp, .halfDown, .halfUp, .first, .last, .left, .right: move(command)
    case .parent: tree.parent(of: selection).map { selection = $0 }
    case .nextPane: place = place == .tree ? .detail : .tree
    case .open: open()
    case .close: close()
    case .toggle where place == .aliases: toggleAliases()
    case .toggle: if selectedRow?.isOpen == true { tree.close(at: selection) } else { open() }
    case .closeAll: tree.closeAll(at: selection)
    case .closeEverything:
      let space = selectedRow?.space ?? 0
      tree.closeEverything()
      selection = tree.rows.firstIndex { $0.space == space } ?? 0
    case .absent:
      keepingSelection { $0.setShowsAbsent(!$0.showsAbsent) }
      status = .note(tree.showsAbsent ? "absent entries are shown" : "absent entries are hidden")
    case .filter:
      if line.argument.isEmpty {
        prompt = Prompt(.filter, text: list?.filter.text ?? tree.filter.text)
      } else {
        filter(line.argument)
      }
    case .goto:
      if line.argument.isEmpty {
        prompt = Prompt(.goto, knowsNames: guest.source != nil)
      } else {
        return goto(line.argument)
      }
    case .back:
      if let row = selectedRow, let id = jumps.back(from: tree.id(of: row)) { go(to: id) }
    case .forward: if let id = jumps.forward() { go(to: id) }
    case .mark:
      if let row = selectedRow {
        marks[line.argument] = tree.id(of: row)
        status = .note("marked \(line.argument); ' and \(line.argument) comes back")
      }
    case .jump:
      guard let id = marks[line.argument] else {
        let known = marks.keys.sorted().joined(separator: " ")
        status = .warning("no mark \(line.argument); there are: \(known)")
        return [.bell]
      }
      remember()
      go(to: id)
    case .search:
      if line.argument.isEmpty {
        prompt = Prompt(.search, formerQuery: query)
      } else {
        query = line.argument
        if !findSpaceByName() { find(forward: true) }
      }
    case .searchNext: find(forward: true)
    case .searchPrevious: find(forward: false)
    case .spaces:
      let place = selectedSpace.flatMap { space in tree.spaces.firstIndex { $0.id == space.id } }
      if let place { lists[.spaces]?.select(row: place) }
      enter(.spaces)
    case .regions: openRegions()
    case .guest: if let knowledge = guest.knowledge { show(GuestPage.make(knowledge, width: width)) }
    case .shared, .mirrors, .findings: openList(command)
    case .aliases: openAliases()
    case .matrix: openMatrix()
    case .map: openMap()
    case .frame: openFrame()
    case .frameNext: stepFrame(by: 1)
    case .framePrevious: stepFrame(by: -1)
    case .zoomIn: zoomMap(by: -1)
    case .zoomOut: zoomMap(by: 1)
    case .mirror: return mirror(line.argument)
    case .unmirror: return unmirror()
    case .sort: sort(line.argument)
    case .detail: showsDetail.toggle()
    case .warnings: show(TextPage(title: "warnings", lines: warnings.map { StyledLine($0, .warning) }))
    case .help: show(helpPage(of: place))
    case .copy: return copy(CopyKind(rawValue: line.argument) ?? .virtual)
    case .screenshot: return [.exportScreen(line.argument)]
    case .source: return [.openSource(line.argument)]
    case .scan:
      scan = .running(0)
      return [.scan]
    case .index: return startIndexing()
    case .caption: caption.show(line.argument)
    case .pause: caption.isPaused = true
    case .cancel: return cancel()
    case .commandLine: prompt = Prompt(.command)
    case .theme: return [.useTheme(ThemeChoice(rawValue: line.argument) ?? .color256)]
    case .redraw: return [.redraw]
    case .suspend: return [.suspend]
    case .quit: return [.quit(status: 0)]
    case .leave:
      if place == .tree || (place == .detail && layout.hasDetail) { return [.quit(status: 0)] }
      return cancel()
    }
    return []
  }

  /// Lets a list or a picture have the keyboard.
  mutating func enter(_ new: Place) {
    page = nil
    // The key that opened it closes it, too.
    if new == place {
      place = trail.popLast() ?? .tree
      return
    }
    // What is asked about a row leads back to it.
    if let known = trail.firstIndex(of: new) {
      trail.removeSubrange(known...)
    } else if new == .aliases || new == .frame || new == .regions, place != .tree, place != .detail {
      trail.append(place)
    } else {
      trail = []
    }
    place = new
  }

  /// Where the selected row of the list leads.
  var selectedTarget: ListTarget? {
    guard let list, let row = list.selectedRow else { return nil }
    return list.content.target(row)
  }

  /// Sorts the list by a column's name or number.
  private mutating func sort(_ word: String) {
    guard let columns = list?.content.columns else { return }
    let number = Int(word).map { $0 - 1 } ?? columns.firstIndex { $0.name == word }
    guard let number = word.isEmpty ? 0 : number, columns.indices.contains(number) else {
      status = .warning("sort takes one of " + columns.map(\.name).joined(separator: ", ") + " here")
      return
    }
    lists[place]?.sort(by: number)
  }

  /// Closes the innermost thing that is open: a page, a list, the detail; then work that runs.
  private mutating func cancel() -> [ExplorerWork] {
    if page != nil {
      page = nil
      place = pagePlace
      return []
    }
    if place != .tree {
      place = trail.popLast() ?? .tree
      return []
    }
    if awaitedFind != nil {
      awaitedFind = nil
      status = .note("search for the physical address stopped")
      return [.cancelFindPhysical]
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

  private func helpPage(of place: Place) -> TextPage {
    HelpPage.make(
      keymap: keymap, place: place, rootName: shownScheme?.levels.first?.name ?? "PML4", width: width)
  }

  /// The paging scheme of the space that the person looks at.
  private var shownScheme: PagingScheme? {
    switch place {
    case .map: map?.space.scheme
    case .matrix: tree.spaces.indices.contains(matrix.row) ? tree.spaces[matrix.row].scheme : nil
    default: selectedSpace?.scheme
    }
  }

  private mutating func show(_ newPage: TextPage) {
    page = newPage
    pagePlace = place
    place = .text
  }

  mutating func filter(_ words: String) {
    if list != nil {
      lists[place]?.setFilter(ListFilter(words))
    } else {
      keepingSelection { $0.setFilter(TreeFilter(words)) }
      if tree.rows.isEmpty { status = .warning("no space passes the filter; f Ctrl-u Enter shows all") }
    }
  }

  private mutating func open() {
    if let target = selectedTarget {
      go(to: target)
      return
    }
    if place == .matrix || place == .map {
      openPicture()
      return
    }
    // On an open row, the same key goes on downwards.
    if selectedRow?.isOpen == true {
      selection += 1
    } else {
      tree.open(at: selection)
      showBranch()
    }
  }

  /// Scrolls so that as much as fits of what was opened is on the screen.
  private mutating func showBranch() {
    guard tree.rows.indices.contains(selection) else { return }
    let end = tree.end(ofBranchAt: selection)
    let visible = max(1, layout.tree.height)
    if end > top + visible { top = min(selection, max(top, end - visible)) }
  }

  private mutating func close() {
    if !tree.close(at: selection), let parent = tree.parent(of: selection) { selection = parent }
  }

  private mutating func move(_ command: Command) {
    let page = max(1, place == .tree ? layout.tree.height : layout.list.height)
    let step: Int =
      switch command {
      case .down: 1
      case .up: -1
      case .pageDown: page
      case .pageUp: -page
      case .halfDown: max(1, page / 2)
      case .halfUp: -max(1, page / 2)
      case .first: -(1 << 40)
      default: 1 << 40
      }
    switch place {
    case .tree:
      selection = max(0, min(selection + step, tree.rows.count - 1))
      // A page moves what is shown, too, so that the selection keeps its place on the screen.
      if abs(step) > 1, abs(step) <= page { top = max(0, top + step) }
      detailTop = 0
    case .detail:
      scrollDetail(by: step)
    case .spaces, .shared, .mirrors, .findings, .aliases, .overlays, .regions:
      moveInList(by: step)
    case .matrix: matrix.move(command, page: page)
    case .map:
      let memory = memory
      map?.move(command, page: page, memory)
    case .frame: scrollFrame(by: step)
    case .text:
      if var current = self.page {
        current.scroll(to: current.top + step, height: layout.list.height)
        self.page = current
      }
    }
  }

  mutating func moveInList(by step: Int) {
    guard let list else { return }
    lists[place]?.selection = max(0, min(list.selection + step, max(0, list.shown.count - 1)))
  }

  mutating func scrollFrame(by step: Int) {
    guard let current = frame else { return }
    let height = layout.list.height
    frame?.page.scroll(to: current.page.top + step, height: height)
  }

  /// Scrolls the detail, so that no line beyond its last is shown.
  mutating func scrollDetail(by step: Int) {
    let lines = detailLines(width: max(1, layout.hasDetail ? layout.detail.width - 2 : width)).count
    detailTop = max(0, min(detailTop + step, max(0, lines - layout.list.height)))
  }

  private mutating func copy(_ kind: CopyKind) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    let space = tree.spaces[Int(row.space)]
    let text: String
    switch kind {
    case .virtual: text = Numbers.hex(virtualAddress(of: row).value)
    case .physical:
      guard row.hasAddress else {
        status = .warning("this entry points at nothing")
        return [.bell]
      }
      text = Numbers.hex(physicalAddress(of: row))
    case .entry:
      guard row.isEntry else {
        status = .warning(
          row.kind == .space ? "a space has no entry; y p copies its root" : "this row is no entry")
        return [.bell]
      }
      text = Numbers.raw(row.raw, entrySize: space.scheme.levels[Int(row.level)].format.entrySize)
    case .walk:
      let steps = tree.steps(to: row).map { step in
        let level = space.scheme.levels[step.level]
        let entry = Numbers.raw(step.raw, entrySize: level.format.entrySize)
        return "\(level.name)[\(step.slot)] table \(Numbers.hex(step.table)) entry \(entry)"
      }
      text = (["\(space.label) \(Numbers.hex(virtualAddress(of: row).value))"] + steps).joined(
        separator: "\n")
    }
    status = .note("sent to the terminal's clipboard: " + (kind == .walk ? "the walk" : text))
    return [.copy(text)]
  }
}
