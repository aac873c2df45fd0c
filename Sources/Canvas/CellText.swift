/// What text becomes when it is put into cells: how wide it is, and which scalars are not let through.
///
/// Text may come from a dump and is not trusted: nothing in it may move the cursor, reorder the line or be
/// invisible, and no scalar may have another width on the terminal than here.
package enum CellText {
  /// What stands for a scalar that may not reach the screen.
  package static let substitute: Unicode.Scalar = "?"

  /// The scalar that is shown for `scalar`, and the cells it takes: 2 if it is wide, 0 if it is dropped.
  @inline(__always)
  static func glyph(for scalar: Unicode.Scalar) -> (scalar: Unicode.Scalar, width: Int) {
    if scalar.value &- 0x20 < 0x5F { return (scalar, 1) }
    return slowGlyph(for: scalar)
  }

  private static func slowGlyph(for scalar: Unicode.Scalar) -> (scalar: Unicode.Scalar, width: Int) {
    // Box drawing: most of what is not ASCII here, and never anything else than one cell.
    if scalar.value &- 0x2500 < 0x80 { return (scalar, 1) }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
      return (substitute, 1)
    case .nonspacingMark, .enclosingMark, .spacingMark:
      return (scalar, 0)
    default:
      break
    }
    if isOfUncertainWidth(scalar) { return (substitute, 1) }
    return (scalar, isWide(scalar.value) ? 2 : 1)
  }

  /// Scalars that terminals disagree about: pictographs, circled numbers and hexagrams (their width changed
  /// between versions of Unicode), jamo that join the glyph before them, and scalars that are not drawn at all.
  private static func isOfUncertainWidth(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1160...0x11FF, 0x3248...0x324F, 0x4DC0...0x4DFF, 0xD7B0...0xD7FF, 0x1F000...0x1FBFF: true
    default: scalar.properties.isEmojiPresentation || scalar.properties.isDefaultIgnorableCodePoint
    }
  }

  /// Whether a scalar takes two cells: East Asian Width W or F (Unicode Standard Annex #11), in blocks.
  private static func isWide(_ value: UInt32) -> Bool {
    if value < 0x1100 { return false }
    return switch value {
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0xA4C6, 0xA960...0xA97C, 0xAC00...0xD7A3,
      0xF900...0xFAD9, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
      0x16FE0...0x1B2FB, 0x20000...0x3FFFD:
      true
    default: false
    }
  }

  /// The cells that `text` takes.
  package static func width(of text: String) -> Int {
    var width = 0
    for scalar in text.unicodeScalars { width &+= glyph(for: scalar).width }
    return width
  }

  /// The cells that a terminal gives `text` when it is written as it is, outside a canvas: marks take none, and
  /// pictographs two, as newer terminals have it.
  package static func widthAsWritten(_ text: String) -> Int {
    var width = 0
    for scalar in text.unicodeScalars {
      if scalar.value &- 0x20 < 0x5F {
        width &+= 1
        continue
      }
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format, .control: continue
      default: break
      }
      // Vowels and final consonants of a syllable join the jamo before them.
      if (0x1160...0x11FF).contains(scalar.value) || (0xD7B0...0xD7FF).contains(scalar.value) { continue }
      let isHexagram = (0x4DC0...0x4DFF).contains(scalar.value)
      width &+= isWide(scalar.value) || isHexagram || scalar.properties.isEmojiPresentation ? 2 : 1
    }
    return width
  }

  /// `text` as it is shown: substitutes in place, combining marks gone. For output that is no canvas.
  package static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let glyph = glyph(for: scalar)
      if glyph.width > 0 { result.append(glyph.scalar) }
    }
    return String(result)
  }

  /// `text` cut to at most `width` cells; what is cut ends in `ellipsis` if there is room for it.
  package static func fitted(_ text: String, to width: Int, ellipsis: String = "..") -> String {
    if text.utf8.count <= width || Self.width(of: text) <= width { return text }
    let tail = Self.width(of: ellipsis)
    let tailFits = tail < width
    let room = tailFits ? width - tail : width
    var used = 0
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let next = used + glyph(for: scalar).width
      if next > room { break }
      used = next
      result.append(scalar)
    }
    return String(result) + (tailFits ? ellipsis : "")
  }
}
