extension Theme {
  /// For a light background and 256 colors, of the part of the palette that nobody changes.
  package static let light256 = Theme(
    name: "256 colors, light",
    ownerColors: [22, 127, 23, 94, 25, 160, 58, 54, 61, 88, 95, 21].map { color($0) }
  ) { role in
    switch role {
    case .text, .leaf, .keyLabel, .status, .bitValue: .plain
    case .dim, .absent, .directMap: color(242)
    case .border: color(244)
    case .title, .prompt: Style(bold: true)
    case .header: color(242, bold: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .breadcrumb, .address, .key, .progress: color(23)
    case .space: color(23, bold: true)
    case .table, .recursive: color(25)
    case .borderFocused: color(25, bold: true)
    case .hugePage: color(90)
    case .match: color(94, bold: true, reverse: true)
    case .error, .malformed: color(160, bold: true)
    case .finding: color(160, bold: true, reverse: true)
    case .warning, .marked, .stale, .permissionWrite: color(94)
    case .permissionExecute: color(160)
    case .permissionUser, .bitName: color(22)
    case .shared: color(22, bold: true)
    case .mirror: color(127, bold: true)
    case .mirroring: color(127)
    }
  }

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
    }
  }

  private static func color(
    _ index: UInt8, bold: Bool = false, underline: Bool = false, reverse: Bool = false
  ) -> Style {
    Style(foreground: .palette(index), bold: bold, underline: underline, reverse: reverse)
  }
}
