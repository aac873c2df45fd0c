/// Every action of the explorer. Keys, mouse and the command line only name these.
package enum Command: String, CaseIterable, Hashable, Sendable {
  // Moving.
  case down, up
  case pageDown = "page-down"
  case pageUp = "page-up"
  case halfDown = "half-down"
  case halfUp = "half-up"
  case left, right
  case first, last, parent
  case nextPane = "next-pane"
  // The tree.
  case open, close, toggle
  case closeAll = "close-all"
  case closeEverything = "close-everything"
  case absent, filter
  // Going places.
  case goto
  case back, forward, mark, jump
  // Finding.
  case search
  case searchNext = "search-next"
  case searchPrevious = "search-previous"
  // Views.
  case spaces, regions, shared, mirrors, findings, aliases, matrix, map, frame, guest, sort, detail, warnings,
    help
  case zoomIn = "zoom-in"
  case zoomOut = "zoom-out"
  case frameNext = "frame-next"
  case framePrevious = "frame-previous"
  // The overlay.
  case mirror, unmirror
  // Taking things out.
  case copy, screenshot
  // The program.
  case source, scan, index, cancel
  case caption, pause
  case commandLine = "command-line"
  case theme, redraw, suspend, quit
  case leave
}

/// The part of the explorer that has the keyboard.
package enum Place: String, CaseIterable, Hashable, Sendable {
  case tree, detail, spaces, regions, shared, mirrors, findings, aliases, overlays, matrix, map, frame, text

  /// The places that are lists.
  static let lists: [Place] = [.spaces, .regions, .shared, .mirrors, .findings, .aliases, .overlays]
  /// The places that are no text.
  static let views: [Place] = [.tree, .detail] + lists + [.matrix, .map, .frame]
  /// The places whose selection points at a frame.
  static let selecting: [Place] =
    [.tree, .detail, .spaces, .regions, .shared, .mirrors, .findings, .overlays, .matrix, .map]
}

/// What a command takes after its name.
package enum CommandArgument: Hashable, Sendable {
  case none
  /// Any text; the word is what help calls it.
  case text(String)
  /// The same, and it may be left out.
  case optionalText(String)
  /// One of these words; without one, the first.
  case choice([String])
  /// One letter, typed as the next key.
  case letter
}

/// What help says about a command, and what it takes.
package struct CommandDescription: Hashable, Sendable {
  /// What it does, as a phrase without a full stop.
  package let title: String
  /// One word for the footer.
  package let label: String
  /// What follows its name.
  package let argument: CommandArgument
  /// Where it does something.
  package let places: [Place]
}

extension Command {
  /// What help says about the command.
  package var description: CommandDescription {
    let moving = Place.allCases
    return switch self {
    case .down: entry("one row down", "down", moving)
    case .up: entry("one row up", "up", moving)
    case .left: entry("one cell to the left", "left", [.matrix, .map])
    case .right: entry("one cell to the right", "right", [.matrix, .map])
    case .pageDown: entry("one page down", "page down", moving)
    case .pageUp: entry("one page up", "page up", moving)
    case .halfDown: entry("half a page down", "half down", moving)
    case .halfUp: entry("half a page up", "half up", moving)
    case .first: entry("the first row", "first", moving)
    case .last: entry("the last row", "last", moving)
    case .parent: entry("the row that this one lies below", "parent", [.tree])
    case .nextPane: entry("between the tree and its detail", "detail", [.tree, .detail])
    case .open:
      entry("open a table or a fold; go to what is selected", "open", [.tree, .matrix, .map] + Place.lists)
    case .close: entry("close; from a closed row, up to its table", "close", [.tree])
    case .toggle: entry("open or close", "toggle", [.tree, .aliases])
    case .closeAll: entry("close, and everything below", "close all", [.tree])
    case .closeEverything: entry("close all spaces", "close everything", [.tree])
    case .absent: entry("show or hide absent entries", "absent", [.tree, .detail])
    case .filter:
      entry(
        "show only what matches; empty shows all", "filter", [.tree] + Place.lists, .optionalText("WORDS"))
    case .goto:
      entry(
        "an address, symbol, region, p:PHYSICAL, +OFFSET, -OFFSET", "go to", [.tree, .detail],
        .text("ADDRESS"))
    case .back: entry("back to where the last jump began", "back", [.tree, .detail])
    case .forward: entry("forward again", "forward", [.tree, .detail])
    case .mark: entry("remember this row under a letter", "mark", [.tree, .detail], .letter)
    case .jump: entry("go to a remembered row", "jump", [.tree, .detail], .letter)
    case .search: entry("look for a name, a word or digits of an address", "search", moving, .text("TEXT"))
    case .searchNext: entry("the next match", "next", moving)
    case .searchPrevious: entry("the match before", "previous", moving)
    case .spaces: entry("the list of all spaces", "spaces", Place.views)
    case .regions:
      entry(
        "what the guest says lies where in this space", "regions",
        [.tree, .detail, .spaces, .regions, .map])
    case .guest: entry("what the guest tells of itself, and how it was known", "guest", Place.views)
    case .shared: entry("the list of shared sub-tables", "shared", Place.views)
    case .mirrors: entry("kernel mappings of frames that user space maps, too", "mirrors", Place.views)
    case .findings: entry("what the checks found", "findings", Place.views)
    case .aliases: entry("who else maps what is selected", "who maps it", Place.selecting + [.frame])
    case .matrix: entry("which space shares which table: a picture", "matrix", Place.views)
    case .map: entry("what lies where in this space: a picture", "map", Place.views)
    case .frame: entry("what a page is used as, and its bytes", "frame", Place.selecting + [.aliases])
    case .zoomIn: entry("a smaller part of the space", "zoom in", [.map])
    case .zoomOut: entry("a larger part of the space", "zoom out", [.map])
    case .frameNext: entry("the next page of memory", "next page", [.frame])
    case .framePrevious: entry("the page before", "page before", [.frame])
    case .mirror:
      entry(
        "map the selected user pages into the kernel", "mirror", [.tree, .detail],
        .optionalText("LENGTH"))
    case .unmirror: entry("drop a mirror that was made here", "drop", [.tree, .detail, .overlays])
    case .sort:
      entry(
        "sort the list; again: the other way round", "sort", Place.lists,
        .choice(Command.sortWords))
    case .detail: entry("show or hide the detail side", "detail", [.tree, .detail])
    case .warnings: entry("what is wrong with the source", "warnings", Place.views)
    case .help: entry("this page", "help", Place.views)
    case .copy:
      entry(
        "copy virtual or physical address, entry, or the walk", "copy", [.tree, .detail],
        .choice(CopyKind.allCases.map(\.rawValue)))
    case .screenshot:
      entry("write the screen to a .txt, .ansi or .svg file", "screenshot", moving, .text("FILE"))
    case .source:
      entry("open another dump in place of this one", "source", Place.views, .text("SOURCE"))
    case .scan: entry("search memory for more spaces", "scan", Place.views)
    case .index: entry("find out who shares what, after it was stopped", "index", Place.views)
    case .caption:
      entry("show a text at the bottom; empty takes it away", "caption", moving, .optionalText("TEXT"))
    case .pause: entry("wait for Enter, in a script", "pause", moving)
    case .cancel: entry("stop what is running, or leave this view", "cancel", moving)
    case .commandLine: entry("run any command by name", "command", moving)
    case .theme: entry("other colors", "theme", moving, .choice(ThemeChoice.allCases.map(\.rawValue)))
    case .redraw: entry("draw the screen anew", "redraw", moving)
    case .suspend: entry("back to the shell; fg returns", "suspend", moving)
    case .quit: entry("leave the program", "quit", moving)
    case .leave: entry("back to the tree; from there, leave the program", "quit", moving)
    }
  }

  /// The columns of all lists, each once, and their numbers, which stand for whatever a list has there.
  static let sortWords: [String] =
    [
      "name", "pid", "root", "scheme", "found", "space", "va", "length", "level", "owner", "spaces", "table",
      "their-va", "kernel", "user", "users", "frame", "kind", "access", "entry", "size", "mappings", "shared",
      "pages", "perm", "present", "absent", "swapped", "marked", "named", "command", "others",
    ] + (1...9).map { "\($0)" }

  private func entry(
    _ title: String, _ label: String, _ places: [Place], _ argument: CommandArgument = .none
  ) -> CommandDescription {
    CommandDescription(title: title, label: label, argument: argument, places: places)
  }

  /// Its name with what it takes, in a few words: `goto ADDRESS`, `sort ..`.
  var shortUsage: String {
    if case .choice = description.argument { return "\(rawValue) .." }
    return usage
  }

  /// Its name with what it takes, as on the command line: `goto ADDRESS`.
  package var usage: String {
    switch description.argument {
    case .none: rawValue
    case .text(let name): "\(rawValue) \(name)"
    case .optionalText(let name): "\(rawValue) [\(name)]"
    case .choice(let words): "\(rawValue) \(words.joined(separator: "|"))"
    case .letter: "\(rawValue) LETTER"
    }
  }
}

/// What `copy` takes out.
package enum CopyKind: String, CaseIterable, Hashable, Sendable {
  case virtual = "va"
  case physical = "pa"
  case entry
  case walk
}

/// The themes to choose from; the program knows what they look like.
package enum ThemeChoice: String, CaseIterable, Hashable, Sendable {
  case color256 = "256"
  case color8 = "8"
  case monochrome = "mono"
}
