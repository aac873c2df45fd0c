extension Theme {
  /// For a dark background and 256 colors, of the part of the palette that nobody changes.
  package static let dark256 = Theme(
    name: "256 colors, dark",
    ownerColors: [114, 176, 80, 221, 111, 210, 150, 183, 117, 215, 147, 217].map { color($0) }
  ) { role in
    switch role {
    case .text, .leaf, .keyLabel, .status, .bitValue: .plain
    case .dim, .absent, .directMap: color(246)
    case .border: color(244)
    case .title, .prompt: Style(bold: true)
    case .header: color(246, bold: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .breadcrumb, .address, .key, .progress: color(80)
    case .space: color(80, bold: true)
    case .table, .recursive: color(111)
    case .borderFocused: color(111, bold: true)
    case .hugePage: color(176)
    case .match: color(221, bold: true, reverse: true)
    case .error, .malformed: color(210, bold: true)
    case .finding: color(210, bold: true, reverse: true)
    case .warning, .marked, .stale, .permissionWrite: color(221)
    case .permissionExecute: color(210)
    case .permissionUser, .bitName: color(114)
    case .shared: color(114, bold: true)
    case .mirror: color(213, bold: true)
    case .mirroring: color(213)
    }
  }

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
    case .shared: color(2, bold: true)
    }
  }

  private static func color(
    _ index: UInt8, bold: Bool = false, underline: Bool = false, reverse: Bool = false
  ) -> Style {
    Style(foreground: .palette(index), bold: bold, underline: underline, reverse: reverse)
  }
}
