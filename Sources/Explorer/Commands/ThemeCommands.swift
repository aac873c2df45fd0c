import Canvas
import Guests

extension Command {
  static let theme = Command(
    "theme", "other colors; auto follows the terminal's background", label: "theme", in: .program,
    .everywhere,
    .choice(ThemeChoice.allCases.map(\.rawValue))
  ) { _, name in
    [.useTheme(ThemeChoice(rawValue: name) ?? .auto)]
  }

  static let style = Command(
    "style", "a look of its own for a part of the screen",
    label: "style", in: .program, .everywhere, .text("ROLE = COLOR ..")
  ) { explorer, text in
    do throws(CommandLine.Failure) {
      let (role, style) = try roleAndStyle(text)
      return [.useStyle(role, style)]
    } catch {
      explorer.status = .error(error.message)
      return [.bell]
    }
  }

  /// Reads `ROLE = COLOR bold`; no style where nothing follows.
  static func roleAndStyle(_ text: String) throws(CommandLine.Failure) -> (Role, Style?) {
    let name = text.prefix { $0 != " " && $0 != "=" }
    guard let role = Role.named[String(name)] else {
      throw unknown("role", name, among: Role.names)
    }
    var words = text.dropFirst(name.count).split(separator: " ")
    if let first = words.first, first.hasPrefix("=") {
      words[0] = first.dropFirst()
      words.removeAll { $0.isEmpty }
    }
    if words.isEmpty { return (role, nil) }
    var style = Style()
    var hasColor = false
    for word in words {
      switch word {
      case "bold": style.bold = true
      case "dim": style.dim = true
      case "reverse": style.reverse = true
      case "underline": style.underline = true
      default:
        guard let color = Color(named: word) else {
          if Int(word) != nil { throw CommandLine.Failure(message: "colors have numbers from 0 to 255") }
          throw unknown("color", word, among: Color.names + ["bold", "dim", "reverse", "underline"])
        }
        if hasColor { throw CommandLine.Failure(message: "\(name) takes one color") }
        style.foreground = color
        hasColor = true
      }
    }
    return (role, style)
  }

  private static func unknown(
    _ what: String, _ word: Substring, among words: [String]
  ) -> CommandLine.Failure {
    let near = String(word).nearest(among: words).map { "; did you mean \($0)?" }
    return CommandLine.Failure(
      message: "no \(what) '\(word)'" + (near ?? "; known: " + words.joined(separator: " ")))
  }
}

/// The themes to choose from; the program knows what they look like.
package enum ThemeChoice: String, CaseIterable, Hashable, Sendable {
  /// As many colors as the terminal has, for the background that it tells.
  case auto
  /// As many colors as it has, for a light or a dark background.
  case light, dark
  case color256 = "256"
  case color8 = "8"
  case monochrome = "mono"
}

extension Role {
  /// The names of all roles, as the configuration calls them.
  static let names = allCases.map { "\($0)" }
  static let named = Dictionary(uniqueKeysWithValues: zip(names, allCases))
}

extension Color {
  /// The names of the terminal's own colors, in the order of its palette, and of what is none.
  static let names: [String] = {
    let dark = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
    return dark + dark.map { "bright-\($0)" } + ["default"]
  }()

  /// A color by its name, or by its number in the palette.
  init?(named name: Substring) {
    if name == "default" {
      self = .default
    } else if let index = Self.names.firstIndex(of: String(name)) {
      self = .palette(UInt8(index))
    } else if let index = UInt8(name) {
      self = .palette(index)
    } else {
      return nil
    }
  }
}
