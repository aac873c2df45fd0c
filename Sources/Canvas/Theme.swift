/// What a piece of the screen means; a theme says how that looks.
package enum Role: Int, CaseIterable, Hashable, Sendable {
  // The screen's parts.
  case text, dim, title, header, border, borderFocused, selection, selectionUnfocused
  case breadcrumb, status, key, keyLabel, prompt, match, progress, error, warning
  // Page tables.
  case space, table, leaf, hugePage, absent, marked, malformed
  case permissionWrite, permissionExecute, permissionUser
  case address, bitName, bitValue
  // Badges.
  case finding, shared, mirror, mirroring, directMap, recursive, stale
  // What changed between two moments.
  case added, removed, changed
}

/// How each role looks, and the cycle of styles that tells the owners of shared tables apart.
///
/// The built-in themes use the terminal's own background; those that do not know it use its own palette, so that they
/// are readable on light and dark ones, and paint a background by `reverse` alone.
package struct Theme: Hashable, Sendable {
  /// The theme's name.
  package let name: String
  private var styles: [Style]
  /// The styles of owners, used in turn; never empty.
  package let ownerColors: [Style]

  /// A theme that asks `style` once for each role. `ownerColors` must not be empty.
  package init(name: String, ownerColors: [Style], style: (Role) -> Style) {
    precondition(!ownerColors.isEmpty, "a theme needs at least one owner style")
    self.name = name
    self.ownerColors = ownerColors
    styles = Role.allCases.map(style)
  }

  /// This theme with some roles looking otherwise. Where it has no colors (`monochrome`), theirs are left out.
  package func with(_ own: [Role: Style]) -> Theme {
    var result = self
    let hasColors = (styles + ownerColors).contains { $0.foreground != .default || $0.background != .default }
    for (role, style) in own { result.styles[role.rawValue] = hasColors ? style : style.withoutColors }
    return result
  }

  /// How `role` looks.
  package subscript(role: Role) -> Style { styles[role.rawValue] }

  /// The style of the owner with the given number; the cycle starts again when it is used up.
  package func owner(_ index: Int) -> Style {
    ownerColors[Int(UInt(bitPattern: index) % UInt(ownerColors.count))]
  }
}
