/// What a terminal shows behind the text.
package enum Background: Hashable, Sendable {
  case light, dark

  /// The background of this color, 0xRRGGBB.
  package init(rgb: UInt32) {
    func part(_ shift: UInt32) -> UInt32 { rgb >> shift & 0xFF }
    // As bright as the eye takes it: the luma of ITU-R BT.601, in thousandths.
    let brightness = 299 * part(16) + 587 * part(8) + 114 * part(0)
    self = brightness > 127_500 ? .light : .dark
  }

  /// What `COLORFGBG` says, which some terminals set: the foreground's number in the palette, then the background's,
  /// with a semicolon between them, or with another word. nil where it tells nothing.
  package init?(colorFgBg text: String) {
    let words = text.split(separator: ";", omittingEmptySubsequences: false)
    guard words.count >= 2, let last = words.last, let index = UInt8(last) else { return nil }
    switch index {
    case 0...6, 8: self = .dark
    case 7, 9...15: self = .light
    default: return nil
    }
  }
}
