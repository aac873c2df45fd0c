/// What a shape of the picture is painted with.
enum SvgPaint: Hashable {
  case defaultForeground
  case defaultBackground
  case palette(UInt8)

  static func foreground(of style: Style) -> SvgPaint {
    style.reverse ? plainBackground(style) : plainForeground(style)
  }

  static func background(of style: Style) -> SvgPaint {
    style.reverse ? plainForeground(style) : plainBackground(style)
  }

  private static func plainForeground(_ style: Style) -> SvgPaint {
    if case .palette(let index) = style.foreground { .palette(index) } else { .defaultForeground }
  }

  private static func plainBackground(_ style: Style) -> SvgPaint {
    if case .palette(let index) = style.background { .palette(index) } else { .defaultBackground }
  }
}

/// The CSS classes a picture uses, and the style sheet that defines these and no others.
struct SvgClasses {
  private var used: Set<SvgPaint> = [.defaultForeground, .defaultBackground]
  private var usesBold = false
  private var usesDim = false
  private var usesUnderline = false

  mutating func name(of paint: SvgPaint) -> String {
    used.insert(paint)
    return Self.name(of: paint)
  }

  mutating func names(of style: Style) -> String {
    var names = name(of: .foreground(of: style))
    if style.bold { names += " bold" }
    if style.dim { names += " dim" }
    if style.underline { names += " underline" }
    usesBold = usesBold || style.bold
    usesDim = usesDim || style.dim
    usesUnderline = usesUnderline || style.underline
    return names
  }

  var sheet: String {
    var sheet = "text { font: 15px ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace;"
    sheet += " white-space: pre; }\n"
    if usesBold { sheet += ".bold { font-weight: bold; }\n" }
    if usesDim { sheet += ".dim { fill-opacity: 0.7; }\n" }
    if usesUnderline { sheet += ".underline { text-decoration: underline; }\n" }
    sheet += rules(dark: false)
    return sheet + "@media (prefers-color-scheme: dark) {\n" + rules(dark: true) + "}\n"
  }

  private func rules(dark: Bool) -> String {
    var rules = ""
    let paints: [SvgPaint] = [.defaultForeground, .defaultBackground] + (0...255).map { .palette($0) }
    for paint in paints where used.contains(paint) {
      let color = SvgColors.color(of: paint, dark: dark)
      // Colors of the fixed cube look the same on both backgrounds.
      if dark, color == SvgColors.color(of: paint, dark: false) { continue }
      rules += ".\(Self.name(of: paint)) { fill: \(color); }\n"
    }
    return rules
  }

  private static func name(of paint: SvgPaint) -> String {
    switch paint {
    case .defaultForeground: "fg"
    case .defaultBackground: "bg"
    case .palette(let index): "c\(index)"
    }
  }
}

/// The colors a picture stands on: a terminal's palette, once for a light and once for a dark page.
private enum SvgColors {
  static let light = [
    "#24292f", "#b3262e", "#1a7434", "#855d00", "#0a55c4", "#7d2fae", "#0b6b7d", "#6b7280",
    "#57606a", "#c8323b", "#22863a", "#946800", "#2463d6", "#9340c9", "#137a8c", "#d0d7de",
  ]
  static let dark = [
    "#3b4048", "#f47067", "#6cc070", "#d9a648", "#6ca8f0", "#c792ea", "#4fc1c9", "#b6bcc6",
    "#7a818c", "#ff8f85", "#8bdd8f", "#f0c674", "#8fc0ff", "#dbb0f7", "#7fdbe0", "#eceff4",
  ]

  static func color(of paint: SvgPaint, dark isDark: Bool) -> String {
    switch paint {
    case .defaultForeground: isDark ? "#d6d9df" : "#24292f"
    case .defaultBackground: isDark ? "#16181d" : "#ffffff"
    case .palette(let index) where index < 16: isDark ? dark[Int(index)] : light[Int(index)]
    case .palette(let index): fixed(index)
    }
  }

  /// Entries 16-231 are a cube of 6 x 6 x 6 colors and 232-255 a gray ramp, on every terminal with 256 colors.
  private static func fixed(_ index: UInt8) -> String {
    if index >= 232 {
      let gray = hex(8 + 10 * (Int(index) - 232))
      return "#\(gray)\(gray)\(gray)"
    }
    let cube = Int(index) - 16
    let steps = [0, 95, 135, 175, 215, 255]
    return "#\(hex(steps[cube / 36]))\(hex(steps[cube / 6 % 6]))\(hex(steps[cube % 6]))"
  }

  private static func hex(_ value: Int) -> String {
    let digits = String(value, radix: 16)
    return digits.count < 2 ? "0\(digits)" : digits
  }
}
