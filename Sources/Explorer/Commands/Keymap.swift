import Canvas

/// One or two keys, and the command they stand for.
package struct Binding: Hashable, Sendable {
  /// The keys in order.
  package let keys: [Key]
  /// What they do.
  package let command: Command
  /// What follows the command's name; empty for nothing.
  package let argument: String
  /// Where the keys mean this.
  package let places: [Place]

  init(_ keys: [Key], _ command: Command, _ argument: String = "", in places: [Place]? = nil) {
    self.keys = keys
    self.command = command
    self.argument = argument
    self.places = places ?? command.description.places
  }

  /// Whether the key after the last one is the command's letter.
  package var takesLetter: Bool { command.description.argument == .letter && argument.isEmpty }

  /// The keys as help shows them: `y v`, `m a-z`.
  package var name: String {
    (keys.map(\.name) + (takesLetter ? ["a-z"] : [])).joined(separator: " ")
  }
}

/// All bindings. Help and footer are made from it.
package struct Keymap: Hashable, Sendable {
  /// In the order of help; of several for one command, the first is the one that the footer shows.
  package let bindings: [Binding]

  /// What keys mean.
  enum Meaning: Equatable {
    case command(Command, String)
    /// The beginning of longer sequences.
    case prefix
    case nothing
  }

  /// What `keys`, pressed one after the other at a place, stand for.
  func meaning(of keys: [Key], at place: Place) -> Meaning {
    for binding in bindings where binding.places.contains(place) {
      if binding.keys == keys, !binding.takesLetter { return .command(binding.command, binding.argument) }
      if binding.takesLetter, keys.count == binding.keys.count + 1, keys.starts(with: binding.keys),
        case .character(let letter)? = keys.last, letter.isLetter || letter.isNumber
      {
        return .command(binding.command, String(letter))
      }
    }
    return continuations(of: keys, at: place).isEmpty ? .nothing : .prefix
  }

  /// The bindings that begin with `keys` and go on.
  func continuations(of keys: [Key], at place: Place) -> [Binding] {
    bindings.filter { binding in
      binding.places.contains(place) && binding.keys.starts(with: keys)
        && (binding.keys.count > keys.count || (binding.takesLetter && binding.keys.count == keys.count))
    }
  }

  /// The first binding of a command at a place.
  func binding(of command: Command, argument: String? = nil, at place: Place) -> Binding? {
    bindings.first {
      $0.command == command && $0.places.contains(place) && (argument == nil || argument == $0.argument)
    }
  }
}

extension Keymap {
  /// The keys that people already know from pagers, editors and file managers.
  package static let standard = Keymap(bindings: [
    Binding([.character("j")], .down), Binding([.down], .down), Binding([.control("n")], .down),
    Binding([.character("k")], .up), Binding([.up], .up), Binding([.control("p")], .up),
    Binding([.pageDown], .pageDown), Binding([.control("f")], .pageDown),
    Binding([.character(" ")], .pageDown, in: [.frame, .text]),
    Binding([.pageUp], .pageUp), Binding([.control("b")], .pageUp),
    Binding([.control("d")], .halfDown), Binding([.control("u")], .halfUp),
    Binding([.home], .first),
    Binding([.character("g"), .character("g")], .first, in: Place.lists + [.matrix, .map, .frame, .text]),
    Binding([.end], .last), Binding([.character("G")], .last),
    Binding([.enter], .open), Binding([.right], .open, in: [.tree]),
    Binding([.right], .right), Binding([.character("l")], .right), Binding([.left], .left),
    Binding([.character("h")], .left), Binding([.right], .toggle, in: [.aliases]),
    Binding([.character("l")], .toggle, in: [.aliases]),
    Binding([.character("l")], .open, in: [.tree]),
    Binding([.left], .close), Binding([.character("h")], .close),
    Binding([.character(" ")], .toggle),
    Binding([.character("z"), .character("o")], .open, in: [.tree]),
    Binding([.character("z"), .character("c")], .close),
    Binding([.character("z"), .character("a")], .toggle),
    Binding([.character("z"), .character("M")], .closeAll),
    Binding([.character("z"), .character("X")], .closeEverything),
    Binding([.character("u")], .parent),
    Binding([.tab], .nextPane), Binding([.backTab], .nextPane),
    Binding([.character("g")], .goto),
    Binding([.backspace], .back), Binding([.control("o")], .back), Binding([.character("[")], .back),
    Binding([.character("]")], .forward),
    Binding([.character("m")], .mark), Binding([.character("'")], .jump),
    Binding([.character("/")], .search),
    Binding([.character("n")], .searchNext), Binding([.character("N")], .searchPrevious),
    Binding([.character("f")], .filter),
    Binding([.character("a")], .absent),
    Binding([.character("s")], .spaces),
    Binding([.character("R")], .regions), Binding([.character("i")], .guest),
    Binding([.character("x")], .aliases), Binding([.character("S")], .shared),
    Binding([.character("M")], .mirrors), Binding([.character("F")], .findings),
    Binding([.character("C")], .matrix), Binding([.character("V")], .map), Binding([.character("d")], .frame),
    Binding([.character("+")], .zoomIn), Binding([.character("=")], .zoomIn),
    Binding([.character("-")], .zoomOut),
    Binding([.character("]")], .frameNext), Binding([.character("[")], .framePrevious),
    Binding([.character("D")], .unmirror, in: [.overlays]),
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
    Binding([.character(":")], .commandLine),
    Binding([.character("?")], .help), Binding([.function(1)], .help),
    Binding([.escape], .cancel),
    Binding([.control("l")], .redraw), Binding([.control("z")], .suspend),
    Binding([.character("q")], .leave), Binding([.character("Q")], .quit),
  ])
}
