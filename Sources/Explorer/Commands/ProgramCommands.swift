extension Command {
  static let screenshot = Command(
    "screenshot", "write the screen to a .txt, .ansi or .svg file", label: "screenshot", in: .keeping,
    .everywhere,
    .text("[--force] FILE")
  ) { explorer, argument in
    let option = "--force"
    let isForced = argument == option || argument.hasPrefix(option + " ")
    let file = isForced ? String(argument.dropFirst(option.count)).trimmed : argument
    guard !file.isEmpty else {
      explorer.status = .error("screenshot needs a FILE")
      return []
    }
    return [.exportScreen(file, force: isForced)]
  }

  static let source = Command(
    "source", "open another dump in place of this one", label: "source", in: .program, .views, .text("SOURCE")
  ) { _, source in
    [.openSource(source)]
  }

  static let scan = Command(
    "scan", "search memory for more spaces", label: "scan", in: .program, .views, obstacle: \.scanObstacle
  ) { explorer, _ in
    explorer.scan = .running(0)
    return [.scan]
  }

  static let index = Command(
    "index", "restart indexing (who shares what) after it was stopped", label: "index", in: .program, .views,
    obstacle: \.indexObstacle
  ) { explorer, _ in
    explorer.startIndexing()
  }

  static let cancel = Command(
    "cancel", "stop what is running, or leave this view", label: "back", in: .program, .everywhere
  ) { explorer, _ in
    explorer.cancel()
  }

  static let caption = Command(
    "caption", "show a text at the bottom; an empty text removes it", label: "caption", in: .program,
    .everywhere,
    .optionalText("TEXT")
  ) { explorer, text in
    explorer.caption.show(text)
    return []
  }

  static let pause = Command(
    "pause", "wait for Enter, in a script", label: "pause", in: .program, .everywhere
  ) {
    $0.caption.isPaused = true
  }

  static let commandLine = Command(
    "command-line", "run any command by name", label: "command", in: .program, .everywhere
  ) {
    $0.prompt = Prompt(.command)
  }

  static let redraw = Command("redraw", "redraw the screen", label: "redraw", in: .program, .everywhere) {
    _, _ in
    [.redraw]
  }

  static let suspend = Command(
    "suspend", "back to the shell; fg returns", label: "suspend", in: .program, .everywhere
  ) {
    _, _ in
    [.suspend]
  }

  static let quit = Command("quit", "leave the program", label: "quit", in: .program, .everywhere) { _, _ in
    [.quit(status: 0)]
  }

  static let leave = Command(
    "leave", "back to the tree; from there, leave the program", label: "quit", in: .program, .everywhere
  ) { explorer, _ in
    explorer.screen.leavesProgram(explorer) ? [.quit(status: 0)] : explorer.cancel()
  }
}

extension Explorer {
  fileprivate var scanObstacle: String? {
    if case .running = scan { return "the scan is running" }
    return scan == .done ? "all of memory was searched" : nil
  }

  fileprivate var indexObstacle: String? {
    if indexing.isRunning { return "the spaces are being indexed" }
    return index != nil ? "all spaces are indexed" : nil
  }
}
