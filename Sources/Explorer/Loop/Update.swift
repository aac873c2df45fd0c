import Canvas
import Guests
import PageTables

extension Explorer {
  /// Takes one event, and answers what work it calls for. Bounded: it reads a slice of tables at most.
  package mutating func update(_ event: ExplorerEvent) -> [ExplorerWork] {
    let selected = selectedRow.map { tree.id(of: $0) }
    var work = handle(event)
    settle()
    // Another row's detail starts at its top.
    if selectedRow.map({ tree.id(of: $0) }) != selected {
      detailTop = 0
      detailLink = 0
    }
    if hasSlices, !slices.isAsked {
      slices.isAsked = true
      work.append(.proceed)
    }
    if let question = askForNames() { work.append(question) }
    if let question = askForRegions() { work.append(question) }
    if let search = sharing.wanted {
      sharing.wanted = nil
      work.append(.findSharers(request: sharing.number, search))
    }
    return work
  }

  private mutating func handle(_ event: ExplorerEvent) -> [ExplorerWork] {
    switch event {
    case .input(let input): return handle(input: input)
    case .command(let line): return run(line: line)
    case .begin(let space, let address): return begin(inSpace: space, at: address)
    case .spacesFound(let found, let isComplete): return receive(spaces: found, isComplete: isComplete)
    case .scanProgress(let fraction):
      if case .running = scan { scan = .running(fraction) }
    case .scanCancelled:
      scan = .cancelled
      status = .warning("scan stopped: not all spaces are listed; :scan starts it again")
      return startIndexing()
    case .indexProgress(let request, let fraction):
      if indexing.running?.number == request { indexing.running?.fraction = fraction }
    case .indexed(let request, let index): return receive(index: index, request: request)
    case .proceed:
      slices.isAsked = false
      proceed()
    case .sharersFound(let request, let sharers):
      if sharing.receive(sharers: sharers, request: request) { follow(.index) }
    case .guestRead(let names): return receive(names: names)
    case .commandLinesRead(let lines): receive(commandLines: lines)
    case .namesRead(let request, let names): receive(names: names, request: request)
    case .regionsGathered(let request, let items): receive(items: items, request: request)
    case .walkWritten(let text): return [.copy(text)]
    case .momentTaken(let request, let moment): return receive(moment: moment, request: request)
    case .momentFailed(let request, let text): receiveMomentFailure(text, request: request)
    case .momentsCompared(let request, let changes): receive(changes: changes, request: request)
    case .momentDue: return takeMoment(isScheduled: true)
    case .liveSource(let source): live.source = source
    case .physicalFound(let request, let address): receive(address: address, request: request)
    case .notice(let text): status = .note(text)
    case .warning(let text):
      warnings.append(CellText.visible(text))
      status = .warning(CellText.visible(text))
    case .failure(let text): status = .error(text)
    }
    return []
  }

  /// The scan that the program started by itself.
  package mutating func scanStarted() { scan = .running(0) }

  private mutating func receive(spaces found: FoundSpaces, isComplete: Bool) -> [ExplorerWork] {
    warn(found.warnings)
    let old = tree.spaces
    let commandLines = guest.commandLines
    keepingSelection { $0.setSpaces(found.spaces, commandLines: commandLines) }
    // What was indexed knows spaces by their numbers, and not by their names.
    let isIndexed = hasSameOrder(as: old)
    if !isIndexed { dropIndex() }
    follow(isIndexed ? .names : .spaces)
    // Names may come after the search was given up; what they add is indexed, too.
    guard isComplete else { return scan == .cancelled && !isIndexed ? startIndexing() : [] }
    scan = .done
    if found.spaces.isEmpty {
      status = .error("no page-table roots found; name one with --root NAME=PA")
    }
    return isIndexed && (index != nil || indexing.isRunning) ? [] : startIndexing()
  }

  /// Keeps what is new of some warnings, and shows the first of it.
  mutating func warn(_ lines: [String]) {
    let new = lines.map(CellText.visible).filter { !warnings.contains($0) }
    warnings += new
    guard let first = new.first else { return }
    status = .warning(first + (new.count > 1 ? " (and \(new.count - 1) more: :warnings)" : ""))
  }

  /// Whether every space stands where it stood, to be read as it was; names may differ.
  private func hasSameOrder(as old: [TreeSpace]) -> Bool {
    tree.spaces.count == old.count
      && zip(tree.spaces, old).allSatisfy { new, old in
        new.id == old.id && new.scheme.readsAs(old.scheme)
          && new.found.isPossiblyStale == old.found.isPossiblyStale
      }
  }

  private mutating func receive(address: VirtualAddress?, request: Int) {
    guard let awaited = awaitedFind, awaited.number == request else { return }
    awaitedFind = nil
    guard let address, let space = tree.spaces.firstIndex(where: { $0.id == awaited.space }) else {
      status = .warning("nothing in this space maps that physical address")
      return
    }
    remember()
    go(to: address, inSpace: space)
  }

  private mutating func handle(input: InputEvent) -> [ExplorerWork] {
    switch input {
    case .key(let key): return handle(key: key)
    case .paste(let text): return insert(pasted: text)
    case .mouse(let mouse): return handle(mouse: mouse)
    case .resize(let newWidth, let newHeight):
      let isRewrapped = newWidth != width
      width = newWidth
      height = newHeight
      if isRewrapped { follow(.width) }
      return []
    case .suspendResumed: return [.redraw]
    case .interrupt:
      pendingKeys = []
      if prompt != nil {
        leavePrompt()
        return []
      }
      if caption.isPaused { return leaveTour() }
      // Nobody asked for the index: it is no reason to stay.
      let isIndexingOnly = indexing.isRunning && scan == .done && awaitedFind == nil && !hasSlices
      if (isBusy && !isIndexingOnly) || screenID != .tree { return perform(CommandLine(.cancel)) }
      return [.quit(status: 0)]
    // As shells say of a program that the signal ended: 128 and its number.
    case .end(let signal): return [.quit(status: 128 + signal)]
    }
  }

  private mutating func handle(key: Key) -> [ExplorerWork] {
    // Terminals send Escape and a key that follow each other fast as one: Alt and the key.
    if case .alt(let character) = key, let plain = Key(typing: character) {
      return handle(key: .escape) + handle(key: plain)
    }
    if caption.isPaused { return handleInTour(key: key) }
    if prompt != nil { return handleInPrompt(key: key) }
    let keys = pendingKeys + [key]
    switch keymap.meaning(of: keys, on: screen) {
    case .command(let command, let argument):
      pendingKeys = []
      return perform(CommandLine(command, argument))
    case .prefix:
      pendingKeys = keys
      return []
    case .nothing:
      let wasPending = !pendingKeys.isEmpty
      pendingKeys = []
      if key == .escape { return wasPending ? [] : perform(CommandLine(.cancel)) }
      status = .warning(
        "\(keys.map(\.name).joined(separator: " ")) does nothing here; ? lists the keys that do")
      return [.bell]
    }
  }

  private mutating func handleInPrompt(key: Key) -> [ExplorerWork] {
    guard var current = prompt else { return [] }
    if current.kind == .find, let work = steerFinder(with: key) { return work }
    switch key {
    case .escape, .control("c"):
      leavePrompt()
      return []
    case .backspace where current.field.isEmpty:
      leavePrompt()
      return []
    case .enter:
      prompt = nil
      // What the letters found is looked for again from where they began, and remembered as a jump.
      if current.kind == .search { returnToSearchOrigin() }
      searchOrigin = nil
      return submit(current)
    // `g` opened the prompt; `gg` goes to the first row, as in a pager.
    case .character("g") where current.kind == .goto && current.field.isEmpty:
      prompt = nil
      return perform(CommandLine(.first))
    default:
      _ = current.edit(key, history: history.lines(of: current.kind), names: addressNames(startingWith:))
      goOn(with: current)
      return []
    }
  }

  /// Goes on with a prompt whose text may have changed.
  private mutating func goOn(with edited: Prompt) {
    let isOtherText = prompt?.field.text != edited.field.text
    prompt = edited
    if edited.kind == .search, isOtherText {
      query = edited.field.text
      searchAsTyped()
    }
    if edited.kind == .find, isOtherText { findAsTyped(edited.field.text) }
    // A list shows at once what the letters leave.
    if edited.kind == .filter { lists[screenID]?.setFilter(ListFilter(edited.field.text)) }
  }

  /// Pasted text goes into an open prompt, or nowhere: no line of it is a command, and no character a key.
  private mutating func insert(pasted text: String) -> [ExplorerWork] {
    pendingKeys = []
    guard !caption.isPaused else {
      status = .note("pasted text ignored: Enter continues, Esc leaves the tour")
      return [.bell]
    }
    guard var current = prompt else {
      status = .warning("pasted text ignored; paste into a prompt: g, /, f or :")
      return [.bell]
    }
    current.insert(pasted: text)
    goOn(with: current)
    return []
  }

  /// Leaves the prompt with nothing done; a search that was being typed is forgotten.
  mutating func leavePrompt() {
    if let prompt, prompt.kind == .search {
      query = prompt.formerQuery
      returnToSearchOrigin()
      searchOrigin = nil
    }
    if let prompt, prompt.kind == .filter { lists[screenID]?.setFilter(ListFilter(prompt.formerFilter)) }
    let wasFinding = prompt?.kind == .find
    prompt = nil
    if wasFinding { enter(.finder) }
  }

  private mutating func submit(_ submitted: Prompt) -> [ExplorerWork] {
    let text = submitted.field.text
    let line: CommandLine
    switch submitted.kind {
    case .command: return text.isEmpty ? [] : run(line: text)
    case .goto: line = CommandLine(.goto, text)
    case .search: line = CommandLine(.search, text)
    // Its Enter is the list's.
    case .find: return []
    case .filter:
      history.add(text, to: .filter)
      status = .empty
      filter(text)
      return []
    }
    guard !text.isEmpty else { return [] }
    history.add(text, to: submitted.kind)
    let work = perform(line)
    // What could not be done goes back to where it was typed.
    if submitted.kind == .goto, status.role == .error { askAgain(submitted) }
    return work
  }

  private mutating func run(line: String) -> [ExplorerWork] {
    do throws(CommandLine.Failure) {
      // What failed comes back with Up, to be corrected.
      history.add(line, to: .command)
      return perform(try CommandLine(line))
    } catch {
      status = .error(error.message)
      return []
    }
  }
}
