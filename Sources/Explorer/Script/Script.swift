import Canvas

/// One step of a script.
package enum ScriptStep: Hashable, Sendable {
  case key(Key)
  /// A line as after `:`.
  case command(String)
  /// Where to begin, as options of the command line say.
  case begin(space: String?, address: String?)
  /// Another size of the screen; a real terminal keeps its own.
  case size(width: Int, height: Int)
  /// Until the work that runs in the background is done.
  case wait

  /// Whether what follows must not be done where it could not be.
  package var canFail: Bool {
    switch self {
    case .command, .begin: true
    case .key, .size, .wait: false
    }
  }

  /// Whether it waits for a person.
  package var isPause: Bool { self == .command(Command.pause.name) }
}

/// A script: what a person would type, as text.
///
/// A line that starts with `:` is a command. `wait` waits for work in the background, `size 120x40` sets the
/// size. All other lines are keys parted by blanks, by the names that help shows; `"text"` types the text.
/// `#` starts a comment, alone or as the first character of a line.
package enum Script {
  /// Why a text is no script.
  package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let text: String
    package var description: String { "line \(line): \(text)" }
  }

  package static func parse(_ text: String) throws(Problem) -> [ScriptStep] {
    try numbered(text).map(\.step)
  }

  /// The steps with the numbers of the lines that they stand on, from 1 on.
  package static func numbered(_ text: String) throws(Problem) -> [(line: Int, step: ScriptStep)] {
    var steps: [(line: Int, step: ScriptStep)] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
      if trimmed.hasPrefix(":") && trimmed.count > 1 {
        steps.append((index + 1, .command(String(trimmed.dropFirst()))))
      } else if trimmed.split(separator: " ").first == "size" {
        steps.append((index + 1, try size(trimmed, index + 1)))
      } else {
        steps += try keys(String(trimmed), index + 1).map { (index + 1, $0) }
      }
    }
    return steps
  }

  private static func size(_ line: Substring, _ number: Int) throws(Problem) -> ScriptStep {
    let words = line.split(separator: " ")
    let numbers = words.count == 2 ? words[1].split(separator: "x").compactMap { Int($0) } : []
    guard numbers.count == 2, (1...1000).contains(numbers[0]), (1...1000).contains(numbers[1]) else {
      throw Problem(line: number, text: "size takes WIDTHxHEIGHT, 1x1 to 1000x1000")
    }
    return .size(width: numbers[0], height: numbers[1])
  }

  /// Keys, with `wait` as a word among them.
  private static func keys(_ line: String, _ number: Int) throws(Problem) -> [ScriptStep] {
    var steps: [ScriptStep] = []
    for (index, part) in parted(line).enumerated() {
      if index > 0 { steps.append(.wait) }
      do throws(KeyNameError) {
        steps += try Key.sequence(part).map(ScriptStep.key)
      } catch {
        throw Problem(line: number, text: "\(error)")
      }
    }
    return steps
  }

  /// The pieces between words `wait` that are not inside quotes.
  private static func parted(_ line: String) -> [String] {
    var pieces: [String] = [""]
    var word = ""
    var isQuoted = false
    func finishWord() {
      if word == "wait" { pieces.append("") } else { pieces[pieces.count - 1] += word }
      word = ""
    }
    for character in line {
      if character == "\"" { isQuoted.toggle() }
      if character == " " || character == "\t", !isQuoted {
        if word == "#" { return pieces }
        finishWord()
        pieces[pieces.count - 1] += " "
      } else {
        word.append(character)
      }
    }
    finishWord()
    return pieces
  }
}
