/// The colors of a theme for one background, of the part of the 256-color palette that nobody changes: 16 to 255.
struct Hues: Sendable {
  let dim, border, cyan, blue, purple, yellow, red, green, pink: UInt8
}

extension Theme {
  /// A theme for 256 colors: what has which color is the same on every background.
  init(name: String, hues: Hues, owners: [UInt8]) {
    self.init(name: name, ownerColors: owners.map { Theme.color($0) }) { role in
      switch role {
      case .text, .leaf, .keyLabel, .status, .bitValue: .plain
      case .dim, .absent, .directMap: Theme.color(hues.dim)
      case .border: Theme.color(hues.border)
      case .title, .prompt: Style(bold: true)
      case .header: Theme.color(hues.dim, bold: true)
      case .selection: Style(reverse: true)
      case .selectionUnfocused: Style(underline: true)
      case .breadcrumb, .address, .key, .progress: Theme.color(hues.cyan)
      case .space: Theme.color(hues.cyan, bold: true)
      case .table, .recursive: Theme.color(hues.blue)
      case .borderFocused: Theme.color(hues.blue, bold: true)
      case .hugePage: Theme.color(hues.purple)
      case .match: Theme.color(hues.yellow, bold: true, reverse: true)
      case .error, .malformed: Theme.color(hues.red, bold: true)
      case .finding: Theme.color(hues.red, bold: true, reverse: true)
      case .warning, .marked, .stale, .permissionWrite: Theme.color(hues.yellow)
      case .permissionExecute: Theme.color(hues.red)
      case .permissionUser, .bitName: Theme.color(hues.green)
      case .shared: Theme.color(hues.green, bold: true)
      case .mirror: Theme.color(hues.pink, bold: true)
      case .mirroring: Theme.color(hues.pink)
      case .added: Theme.color(hues.green, bold: true)
      case .removed: Theme.color(hues.red, bold: true)
      case .changed: Theme.color(hues.yellow, bold: true)
      }
    }
  }

  /// Text in a color of the palette.
  static func color(
    _ index: UInt8, bold: Bool = false, dim: Bool = false, underline: Bool = false, reverse: Bool = false
  ) -> Style {
    Style(foreground: .palette(index), bold: bold, dim: dim, underline: underline, reverse: reverse)
  }
}
