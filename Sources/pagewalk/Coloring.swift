import Canvas
import Explorer

/// What the screen looks like: as the person wants it, as far as the terminal shows it.
struct Coloring {
  /// The theme for the terminal.
  private(set) var theme: Theme
  /// The theme for a picture: whoever looks at it may have a light or a dark background.
  private(set) var pictureTheme: Theme

  /// What was chosen.
  var choice: ThemeChoice { didSet { update() } }
  /// The terminal's background, as far as it told.
  var background: Background? { didSet { if background != oldValue { update() } } }
  private let colors: Int
  private var own: [Role: Style] = [:]

  /// - Parameter colors: how many the terminal has.
  init(_ choice: ThemeChoice, colors: Int = 256, background: Background? = nil) {
    self.choice = choice
    self.colors = colors
    self.background = background
    theme = .monochrome
    pictureTheme = .monochrome
    update()
  }

  /// Gives a role a look of its own, or the theme's back.
  mutating func use(_ style: Style?, for role: Role) {
    own[role] = style
    update()
  }

  private mutating func update() {
    let used =
      switch choice {
      case .auto, .light, .dark: colors
      case .color256: 256
      case .color8: 8
      case .monochrome: 0
      }
    let suitable: Background? =
      switch choice {
      case .light: .light
      case .dark: .dark
      case .auto, .color256, .color8, .monochrome: background
      }
    theme = Theme.suited(colors: used, on: suitable).with(own)
    pictureTheme = Theme.suited(colors: used, on: nil).with(own)
  }
}
