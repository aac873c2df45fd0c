import Canvas

/// One or two keys, and the command they stand for.
struct Binding: Hashable, Sendable {
  /// On which of the screens that have the command the keys mean it.
  enum Scope: Hashable, Sendable {
    case all
    case only([Screen.ID])
    case except([Screen.ID])
    /// Those that have not this command as well.
    case without(Command)
  }

  /// The keys in order.
  let keys: [Key]
  /// What they do.
  let command: Command
  /// What follows the command's name; empty for nothing.
  let argument: String
  let scope: Scope

  init(_ keys: [Key], _ command: Command, _ argument: String = "", on scope: Scope = .all) {
    self.keys = keys
    self.command = command
    self.argument = argument
    self.scope = scope
  }

  /// Whether the keys mean this on a screen.
  func applies(to screen: Screen) -> Bool {
    guard screen.has(command) else { return false }
    return switch scope {
    case .all: true
    case .only(let screens): screens.contains(screen.id)
    case .except(let screens): !screens.contains(screen.id)
    case .without(let other): !screen.has(other)
    }
  }

  /// Whether the key after the last one is the command's letter.
  var takesLetter: Bool { command.argument == .letter && argument.isEmpty }

  /// The keys as help shows them: `y v`, `m a-z`.
  var name: String {
    (keys.map(\.name) + (takesLetter ? ["a-z"] : [])).joined(separator: " ")
  }
}

/// All bindings. Help and footer are made from it.
struct Keymap: Hashable, Sendable {
  /// In the order of help; of several for one command, the first is the one that the footer shows.
  var bindings: [Binding]

  /// What keys mean.
  enum Meaning: Equatable {
    case command(Command, String)
    /// The beginning of longer sequences.
    case prefix
    case nothing
  }

  /// What `keys`, pressed one after the other on a screen, stand for.
  func meaning(of keys: [Key], on screen: Screen) -> Meaning {
    for binding in bindings where binding.keys.starts(with: keys.prefix(1)) && binding.applies(to: screen) {
      if binding.keys == keys, !binding.takesLetter { return .command(binding.command, binding.argument) }
      if binding.takesLetter, keys.count == binding.keys.count + 1, keys.starts(with: binding.keys),
        case .character(let letter)? = keys.last, letter.isLetter || letter.isNumber
      {
        return .command(binding.command, String(letter))
      }
    }
    return continuations(of: keys, on: screen).isEmpty ? .nothing : .prefix
  }

  /// The bindings that begin with `keys` and go on.
  func continuations(of keys: [Key], on screen: Screen) -> [Binding] {
    bindings.filter { binding in
      binding.keys.starts(with: keys) && binding.applies(to: screen)
        && (binding.keys.count > keys.count || (binding.takesLetter && binding.keys.count == keys.count))
    }
  }

  /// The first binding of a command on a screen.
  func binding(of command: Command, argument: String? = nil, on screen: Screen) -> Binding? {
    bindings.first {
      $0.command == command && $0.applies(to: screen) && (argument == nil || argument == $0.argument)
    }
  }
}

extension Keymap {
  /// The keys that people already know from pagers, editors and file managers.
  static let standard: Keymap = Keymap(bindings: [
    Binding([.character("j")], .down), Binding([.down], .down), Binding([.control("n")], .down),
    Binding([.character("k")], .up), Binding([.up], .up), Binding([.control("p")], .up),
    Binding([.pageDown], .pageDown), Binding([.control("f")], .pageDown),
    Binding([.character(" ")], .pageDown, on: .only([.frame, .guest, .warnings, .help])),
    Binding([.pageUp], .pageUp), Binding([.control("b")], .pageUp),
    Binding([.control("d")], .halfDown), Binding([.control("u")], .halfUp),
    Binding([.home], .first),
    Binding([.character("g"), .character("g")], .first, on: .without(.goto)),
    Binding([.end], .last), Binding([.character("G")], .last),
    Binding([.enter], .open), Binding([.right], .open, on: .only([.tree])),
    Binding([.right], .right), Binding([.character("l")], .right), Binding([.left], .left),
    Binding([.character("h")], .left),
    Binding([.right], .openFold), Binding([.character("l")], .openFold),
    Binding([.character("l")], .open, on: .only([.tree])),
    Binding([.left], .close), Binding([.character("h")], .close),
    Binding([.character(" ")], .toggle),
    Binding([.character("z"), .character("o")], .open, on: .only([.tree])),
    Binding([.character("z"), .character("o")], .openFold),
    Binding([.character("z"), .character("c")], .close),
    Binding([.character("z"), .character("a")], .toggle),
    Binding([.character("z"), .character("M")], .closeAll),
    Binding([.character("z"), .character("X")], .closeEverything),
    Binding([.character("u")], .parent),
    Binding([.tab], .nextPane), Binding([.backTab], .nextPane),
    Binding([.character("g")], .goto), Binding([.character("o")], .find),
    Binding([.backspace], .back), Binding([.control("o")], .back), Binding([.character("[")], .back),
    Binding([.character("]")], .forward),
    Binding([.character("m")], .setBookmark), Binding([.character("'")], .goToBookmark),
    Binding([.character("/")], .search),
    Binding([.character("n")], .searchNext), Binding([.character("N")], .searchPrevious),
    Binding([.character("f")], .filter),
    Binding([.character("a")], .absent),
    Binding([.character("s")], .spaces),
    Binding([.character("R")], .regions), Binding([.character("i")], .guest),
    Binding([.character("x")], .aliases), Binding([.character("S")], .shared),
    Binding([.character("M")], .mirrors), Binding([.character("F")], .findings),
    Binding([.character("H")], .hugePages),
    Binding([.character("C")], .matrix), Binding([.character("V")], .map),
    Binding([.character("P")], .physicalMap), Binding([.character("d")], .frame),
    Binding([.character("+")], .zoomIn), Binding([.character("=")], .zoomIn),
    Binding([.character("=")], .compare),
    Binding([.character("-")], .zoomOut),
    Binding([.character("]")], .frameNext), Binding([.character("[")], .framePrevious),
    Binding([.character("D")], .unmirror, on: .only([.overlays])),
    Binding([.character("D")], .changes, on: .except([.overlays])), Binding([.character("r")], .refresh),
    Binding([.character("1")], .sort, "1"),
    Binding([.character("2")], .sort, "2"),
    Binding([.character("3")], .sort, "3"),
    Binding([.character("4")], .sort, "4"),
    Binding([.character("5")], .sort, "5"),
    Binding([.character("6")], .sort, "6"),
    Binding([.character("7")], .sort, "7"),
    Binding([.character("8")], .sort, "8"),
    Binding([.character("9")], .sort, "9"),
    Binding([.character("y"), .character("v")], .copy, "va"),
    Binding([.character("y"), .character("p")], .copy, "pa"),
    Binding([.character("y"), .character("e")], .copy, "entry"),
    Binding([.character("y"), .character("w")], .copy, "walk"),
    Binding([.character("y"), .character("j")], .copy, "json"),
    Binding([.character("y"), .character("c")], .copy, "command"),
    Binding([.character(":")], .commandLine),
    Binding([.character("?")], .help), Binding([.function(1)], .help),
    Binding([.escape], .cancel),
    Binding([.control("l")], .redraw), Binding([.control("z")], .suspend),
    Binding([.character("q")], .leave), Binding([.character("Q")], .quit),
  ])
}
