import Canvas

/// A question on the last line.
struct Prompt: Equatable {
  enum Kind: Hashable {
    case goto, search, filter, find, command
  }

  let kind: Kind
  var field: TextField
  /// Why the last Enter did nothing.
  var problem = ""
  /// What Tab would put in place of the text, after a problem.
  var suggestion: String?
  /// Both, as they stand behind the text.
  var problemText: String { problem + (suggestion.map { "; Tab takes \($0)" } ?? "") }
  /// What was searched for before, for a search that is given up.
  let formerQuery: String
  /// What a list was filtered by before.
  let formerFilter: String
  /// What Tab went through so far, when it completes.
  private var completions: [String] = []
  private var completion = 0
  /// How far back in the history; 0 is what is being typed.
  private var historyStep = 0
  private var draft = TextField()

  /// Whether symbols and regions have names.
  let knowsNames: Bool

  init(_ kind: Kind, text: String = "", formerQuery: String = "", knowsNames: Bool = false) {
    self.kind = kind
    self.knowsNames = knowsNames
    self.formerQuery = formerQuery
    formerFilter = text
    // A filter is more often replaced than added to.
    field = TextField(text, isSelected: kind == .filter)
  }

  /// What stands before the text.
  var label: String {
    switch kind {
    case .goto: "go to "
    case .search: "/"
    case .filter: "filter "
    case .find: "find "
    case .command: ":"
    }
  }

  /// What can be typed, shown while there is room and nothing else to say; the most useful first.
  var hints: [String] {
    switch kind {
    case .goto where knowsNames:
      ["VA", "symbol+10", "[heap]", "NAME:VA", "Tab completes", "rsp", "*VA", "p:PA"]
    case .goto: ["VA", "+10", "NAME:VA", "pid:1", "rsp", "*VA", "p:PA", "g: first row"]
    case .search: ["name, word or hex digits"]
    case .filter where field.isSelected:
      ["typing replaces it", "Ctrl-u Enter shows all", "Right goes on with it"]
    case .filter: ["w", "x", "u", "huge", "marked", "swapped", "!word", "name"]
    case .find: ["Enter goes", "Up and Down choose", "Tab: the list"]
    case .command: ["Tab completes", "Up: history"]
    }
  }

  /// Edits the line; answers whether the key was for it. `names` completes what may be the name of an address.
  mutating func edit(_ key: Key, history: [String], names: (String) -> [String] = { _ in [] }) -> Bool {
    switch key {
    case .up, .control("p"): recall(historyStep + 1, history)
    case .down, .control("n"): recall(historyStep - 1, history)
    case .tab: complete(by: 1, names)
    case .backTab: complete(by: -1, names)
    default:
      guard field.take(key) else { return false }
      forgetAnswers()
    }
    return true
  }

  /// Types what was pasted, as one line.
  mutating func insert(pasted text: String) {
    forgetAnswers()
    if !field.insert(pasted: text) { problem = "cut: a line holds \(TextField.limit) characters" }
  }

  /// What was said and offered was about a text that is another now.
  private mutating func forgetAnswers() {
    problem = ""
    suggestion = nil
    completions = []
    historyStep = 0
  }

  private mutating func recall(_ step: Int, _ history: [String]) {
    guard step >= 0, step <= history.count else { return }
    if historyStep == 0 { draft = field }
    historyStep = step
    field = step == 0 ? draft : TextField(history[history.count - step])
    completions = []
    problem = ""
    suggestion = nil
  }

  private mutating func complete(by step: Int, _ names: (String) -> [String]) {
    if let suggestion {
      field = TextField(suggestion)
      self.suggestion = nil
      problem = ""
      return
    }
    guard kind == .command || kind == .goto else { return }
    problem = ""
    if completions.isEmpty {
      completions = all(names)
      completion = step > 0 ? 0 : completions.count - 1
    } else {
      completion = (completion + step + completions.count) % completions.count
    }
    guard completions.indices.contains(completion) else { return }
    field = TextField(completions[completion])
    // A single answer is done: the next Tab starts from what it is.
    if completions.count == 1 {
      let takesMore =
        kind == .command && (Command.named(completions[0])?.argument ?? .none) != .none
      if takesMore { field = TextField(completions[0] + " ") }
      completions = []
    }
  }

  /// What the line could become, whole lines.
  private func all(_ names: (String) -> [String]) -> [String] {
    if kind == .goto { return names(field.text) }
    let start = Command.goto.name + " "
    guard field.text.hasPrefix(start) else { return CommandLine.completions(of: field.text) }
    return names(String(field.text.dropFirst(start.count))).map { start + $0 }
  }

  /// What Tab offers, for the rest of the line.
  var offers: [String] { completions }
}

/// What was entered before, by kind of prompt; the newest last.
struct PromptHistory: Equatable {
  private var lines: [Prompt.Kind: [String]] = [:]

  func lines(of kind: Prompt.Kind) -> [String] { lines[kind] ?? [] }

  /// Takes other lines in place of those that were typed.
  mutating func replace(_ kind: Prompt.Kind, with new: [String]) {
    lines[kind] = Array(new.filter { !$0.isEmpty }.suffix(200))
  }

  mutating func add(_ line: String, to kind: Prompt.Kind) {
    guard !line.isEmpty else { return }
    var known = lines(of: kind)
    known.removeAll { $0 == line }
    known.append(line)
    lines[kind] = Array(known.suffix(200))
  }
}
