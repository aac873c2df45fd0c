extension Screen.ID {
  static let warnings = Screen.ID("warnings")
}

extension Screen {
  static let warnings = Screen.page(.warnings, title: "warnings", opener: .warnings)
}

extension Command {
  static let warnings = Command(
    "warnings", "what is wrong with the source", label: "warnings", in: .program, .views,
    obstacle: { $0.warnings.isEmpty ? "there are no warnings" : nil },
    does: { explorer in
      // What to do about it is often at the end of a line.
      let width = max(20, explorer.width - 4)
      let lines = explorer.warnings.flatMap { StyledLine($0, .warning).wrapped(to: width) }
      explorer.show(TextPage(title: "warnings", lines: lines), as: .warnings)
    })
}
