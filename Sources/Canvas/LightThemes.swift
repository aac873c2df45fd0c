extension Theme {
  /// For a light background and 256 colors.
  package static let light256 = Theme(
    name: "256 colors, light",
    hues: Hues(
      dim: 242, border: 244, cyan: 23, blue: 25, purple: 90, yellow: 94, red: 160, green: 22, pink: 127),
    owners: [22, 127, 23, 94, 25, 160, 58, 54, 61, 88, 95, 21])

  // Of the eight, green, yellow and cyan are too bright for text. Bold red and magenta are often made bright, too.
  /// For a light background and 8 colors.
  package static let light8 = Theme(
    name: "8 colors, light",
    ownerColors: [4, 5, 1].map { color($0) } + [color(4, bold: true)]
      + [4, 5, 1].map { color($0, underline: true) }
  ) { role in
    switch role {
    case .text, .leaf, .keyLabel, .status, .bitValue: .plain
    case .dim, .absent, .border, .directMap: Style(dim: true)
    case .title, .borderFocused, .prompt: Style(bold: true)
    case .header: Style(bold: true, dim: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .breadcrumb, .address, .key, .progress, .table, .recursive: color(4)
    case .space, .hugePage: color(4, bold: true)
    case .match: color(5, reverse: true)
    case .error, .malformed: color(1, underline: true)
    case .finding: color(1, reverse: true)
    case .warning, .marked, .stale, .permissionWrite: color(5)
    case .permissionExecute: color(1)
    case .permissionUser, .bitName: color(4)
    case .shared: color(4, bold: true, underline: true)
    case .mirror: color(5, underline: true)
    case .mirroring: color(5)
    case .added: color(4, bold: true)
    case .removed: color(1)
    case .changed: color(5)
    }
  }
}
