import Canvas
import Guests

/// A line after `:`, taken apart.
struct CommandLine: Equatable {
  let command: Command
  /// What follows the name, without blanks around it; empty when nothing does.
  let argument: String

  /// How a line of the configuration begins that says how a role looks.
  private static let stylePrefix = "theme."

  /// Why a line is no command; one line for people.
  struct Failure: Error, Equatable {
    let message: String
  }

  /// Other names that people try.
  private static let otherNames: [String: Command] = [
    "q": .quit, "q!": .quit, "exit": .quit, "h": .help, "go": .goto, "g": .goto, "f": .filter, "s": .spaces,
    "yank": .copy, "top": .first, "bottom": .last,
  ]

  /// Reads a name and what follows it. A beginning that only one name has will do for the name.
  init(_ line: String) throws(Failure) {
    let trimmed = line.drop { $0 == " " || $0 == ":" }
    let isStyle = trimmed.hasPrefix(Self.stylePrefix)
    let name = isStyle ? Self.stylePrefix : String(trimmed.prefix { $0 != " " })
    let rest = trimmed.dropFirst(name.count).drop { $0 == " " }
    var argument = String(rest)
    while argument.last == " " { argument.removeLast() }
    if isStyle {
      command = .style
    } else if let command = Command.named(name) ?? Self.otherNames[name] {
      self.command = command
    } else {
      let candidates = Self.commands(startingWith: name)
      if candidates.isEmpty || name.isEmpty {
        let near = name.nearest(among: Command.all.map(\.name)).map { "; did you mean \($0)?" }
        throw Failure(message: "no command '\(name)'" + (near ?? "; ? lists them all"))
      }
      guard candidates.count == 1, let only = candidates.first else {
        throw Failure(message: "'\(name)' could be " + candidates.map(\.name).joined(separator: ", "))
      }
      command = only
    }
    self.argument = argument
    try check()
  }

  init(_ command: Command, _ argument: String = "") {
    self.command = command
    self.argument = argument
  }

  private func check() throws(Failure) {
    switch command.argument {
    case .none where !argument.isEmpty:
      throw Failure(message: "\(command.name) takes no argument")
    case .text(let what) where argument.isEmpty: throw Failure(message: "\(command.name) needs \(what)")
    case .letter where argument.count != 1: throw Failure(message: "\(command.name) needs one letter")
    default: break
    }
    if let words = command.argument.choices, !argument.isEmpty, !words.contains(argument) {
      throw Failure(message: "\(command.name) takes one of " + words.joined(separator: ", "))
    }
  }

  /// What the line being typed could become, whole lines, in the order of the table.
  static func completions(of line: String) -> [String] {
    let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.first.map(String.init) ?? ""
    if line.hasPrefix(stylePrefix) {
      return Role.names.map { "\(stylePrefix)\($0) = " }.filter { $0.hasPrefix(line) }
    }
    guard parts.count == 2 else { return commands(startingWith: name).map(\.name) }
    guard let words = Command.named(name)?.argument.choices else { return [] }
    return words.filter { $0.hasPrefix(parts[1]) }.map { "\(name) \($0)" }
  }

  private static func commands(startingWith name: String) -> [Command] {
    Command.all.filter { $0.name.hasPrefix(name) }
  }
}
