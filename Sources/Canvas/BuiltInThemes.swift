extension Theme {
  /// The richest theme for a terminal with this many colors on this background, which may be unknown: then one that can
  /// be read on both, if not as well.
  package static func suited(colors: Int, on background: Background?) -> Theme {
    switch (colors, background) {
    case (256..., .light): .light256
    case (256..., .dark): .dark256
    case (256..., nil): .color256
    case (8..., .light): .light8
    case (8..., .dark): .dark8
    case (8..., nil): .color8
    default: .monochrome
    }
  }

  /// For terminals with 16 colors or more, whatever the background.
  package static let color256 = Theme(
    name: "256 colors",
    ownerColors: [2, 5, 6, 3, 12, 9].map { color($0) } + [2, 5, 6, 3, 13, 1].map { color($0, bold: true) }
  ) { role in
    switch role {
    // Plain blue is unreadable on many dark backgrounds; bright blue is not, on either kind.
    case .table, .recursive: color(12)
    case .border: color(12, dim: true)
    case .borderFocused: color(12, bold: true)
    default: eightColors(role)
    }
  }

  /// For terminals with 8 colors, the Linux console among them, whatever the background.
  package static let color8 = Theme(
    name: "8 colors",
    ownerColors: [2, 5, 6, 3, 1].map { color($0) } + [2, 5, 6, 3, 1].map { color($0, bold: true) },
    style: eightColors)

  /// For terminals without colors: every distinction is made by bold, dim, underline and reverse.
  package static let monochrome = Theme(
    name: "monochrome",
    ownerColors: [
      Style(), Style(bold: true), Style(underline: true), Style(bold: true, underline: true),
      Style(dim: true), Style(dim: true, underline: true),
    ],
    style: noColors)

  // Red 1, green 2, yellow 3, magenta 5 and cyan 6: the ones that can be read on light and on dark.
  private static func eightColors(_ role: Role) -> Style {
    switch role {
    case .text, .leaf, .keyLabel, .status, .bitValue: .plain
    case .dim, .absent, .border: Style(dim: true)
    case .title, .borderFocused, .prompt: Style(bold: true)
    case .header: Style(bold: true, dim: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .breadcrumb, .address, .key, .progress: color(6)
    case .space: color(6, bold: true)
    case .table, .recursive: color(6)
    case .hugePage: color(5)
    case .match: Style(foreground: .palette(3), bold: true, reverse: true)
    case .error, .malformed: color(1, bold: true)
    case .finding: Style(foreground: .palette(1), bold: true, reverse: true)
    case .warning, .marked, .stale: color(3)
    case .permissionWrite: color(3)
    case .permissionExecute: color(1)
    case .permissionUser: color(2)
    case .bitName: color(2)
    case .shared: color(2, bold: true)
    case .mirror: color(5, bold: true)
    case .mirroring: color(5)
    case .directMap: Style(dim: true)
    case .added: color(2, bold: true)
    case .removed: color(1, bold: true)
    case .changed: color(3, bold: true)
    }
  }

  private static func noColors(_ role: Role) -> Style {
    switch role {
    case .text, .leaf, .table, .keyLabel, .address, .bitValue, .border, .permissionUser, .progress,
      .breadcrumb, .status:
      .plain
    case .dim, .absent, .directMap: Style(dim: true)
    case .title, .header, .space, .key, .prompt, .borderFocused, .hugePage, .warning, .marked, .bitName,
      .permissionWrite, .permissionExecute, .shared, .added, .removed, .changed:
      Style(bold: true)
    case .mirror, .mirroring, .recursive, .stale: Style(underline: true)
    case .selection: Style(reverse: true)
    case .selectionUnfocused: Style(underline: true)
    case .match, .malformed: Style(bold: true, underline: true)
    case .finding, .error: Style(bold: true, reverse: true)
    }
  }
}
