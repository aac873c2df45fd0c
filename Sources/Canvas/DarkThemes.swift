extension Theme {
  /// For a dark background and 256 colors.
  package static let dark256 = Theme(
    name: "256 colors, dark",
    hues: Hues(
      dim: 246, border: 244, cyan: 80, blue: 111, purple: 176, yellow: 221, red: 210, green: 114, pink: 213),
    owners: [114, 176, 80, 221, 111, 210, 150, 183, 117, 215, 147, 217])

  // Of the eight, red, blue and magenta are too dark for text; white on red is not.
  /// For a dark background and 8 colors.
  package static let dark8 = Theme(
    name: "8 colors, dark",
    ownerColors: [2, 6, 3].map { color($0) } + [2, 6, 3].map { color($0, bold: true) }
      + [2, 6, 3].map { color($0, underline: true) }
  ) { role in
    switch role {
    case .text, .leaf, .keyLabel, .status, .bitValue: .plain
    case .dim, .absent, .border, .directMap: Style(dim: true)
    case .title, .borderFocused, .prompt: Style(bold: true)
    case .header: Style(bold: true, dim: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .breadcrumb, .address, .key, .progress, .table, .recursive: color(6)
    case .space, .hugePage: color(6, bold: true)
    case .match: color(3, bold: true, reverse: true)
    case .error, .malformed: Style(foreground: .palette(7), background: .palette(1))
    case .finding: Style(foreground: .palette(7), background: .palette(1), bold: true)
    case .warning, .marked, .stale, .permissionWrite, .mirroring: color(3)
    case .permissionExecute, .mirror: color(3, bold: true)
    case .permissionUser, .bitName: color(2)
    case .shared, .added: color(2, bold: true)
    case .removed: Style(foreground: .palette(7), background: .palette(1))
    case .changed: color(3, bold: true)
    }
  }
}
