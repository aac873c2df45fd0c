/// An action of the explorer, by its name. Keys, mouse and the command line only name these.
struct Command: Hashable, Sendable {
  /// Where a command does something.
  enum Reach: Sendable {
    case everywhere
    /// On every screen that is no page of text.
    case views
    /// On the screens that name it among their commands.
    case named
  }

  /// As it is typed after `:`.
  let name: String
  /// What it does, as a phrase without a full stop.
  let title: String
  /// A word or two for the footer.
  let label: String
  /// The task that help lists it under.
  let group: CommandGroup
  /// What follows its name.
  let argument: CommandArgument
  let reach: Reach
  /// Whether it changes memory: a script must not go on as if it had, where it could not.
  let isChange: Bool
  /// Why it can do nothing now; nil when it can. A screen may know better.
  let obstacle: @Sendable (Explorer) -> String?
  /// Does it, with what followed the name, and answers what work it calls for.
  let perform: @Sendable (inout Explorer, String) -> [ExplorerWork]

  init(
    _ name: String, _ title: String, label: String, in group: CommandGroup, _ reach: Reach,
    _ argument: CommandArgument = .none,
    isChange: Bool = false, obstacle: @escaping @Sendable (Explorer) -> String? = { _ in nil },
    perform: @escaping @Sendable (inout Explorer, String) -> [ExplorerWork]
  ) {
    self.name = name
    self.title = title
    self.label = label
    self.group = group
    self.argument = argument
    self.reach = reach
    self.isChange = isChange
    self.obstacle = obstacle
    self.perform = perform
  }

  /// One that takes nothing and calls for no work.
  init(
    _ name: String, _ title: String, label: String, in group: CommandGroup, _ reach: Reach,
    obstacle: @escaping @Sendable (Explorer) -> String? = { _ in nil },
    does: @escaping @Sendable (inout Explorer) -> Void
  ) {
    self.init(name, title, label: label, in: group, reach, obstacle: obstacle) { explorer, _ in
      does(&explorer)
      return []
    }
  }

  static func == (left: Command, right: Command) -> Bool { left.name == right.name }

  func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Its name with what it takes, in a few words: `goto ADDRESS`, `sort ..`.
  var shortUsage: String { argument.choices == nil ? usage : "\(name) .." }

  /// Its name with what it takes, as on the command line: `goto ADDRESS`.
  var usage: String {
    switch argument {
    case .none: name
    case .text(let what): "\(name) \(what)"
    case .optionalText(let what): "\(name) [\(what)]"
    case .choice, .column: "\(name) \(argument.choices?.joined(separator: "|") ?? "")"
    case .letter: "\(name) LETTER"
    }
  }
}

/// What a command takes after its name.
enum CommandArgument: Hashable, Sendable {
  case none
  /// Any text; the word is what help calls it.
  case text(String)
  /// The same, and it may be left out.
  case optionalText(String)
  /// One of these words; without one, the first.
  case choice([String])
  /// A column of a list, by its name or number.
  case column
  /// One letter, typed as the next key.
  case letter

  /// The words to choose from; nil where it is no choice.
  var choices: [String]? {
    switch self {
    case .choice(let words): words
    case .column: Screen.sortWords
    case .none, .text, .optionalText, .letter: nil
    }
  }
}
