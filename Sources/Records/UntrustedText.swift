import Canvas

extension Unicode.Scalar {
  /// Whether it may be printed unchanged: it is visible, and changes neither the direction nor the line breaks of
  /// subsequent text. Control and format characters (bidirectional controls, tags, annotations) are excluded, and
  /// so are characters without an agreed meaning.
  var isPlain: Bool {
    if value &- 0x20 < 0x5f { return true }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
      return false
    default: return true
    }
  }
}

/// Text from a dump made safe for a terminal: characters that must not be printed are shown as `?`.
package func printable(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 &- 0x20 < 0x5f }) { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars { result.append(scalar.isPlain ? scalar : CellText.substitute) }
  return String(result)
}

/// The name of a space in a table for people: cut to a readable length; JSON has the whole name.
func nameCell(_ name: String) -> String {
  let limit = 64
  // Combining marks take no cells, and a hostile name may have endlessly many.
  return CellText.fitted(printable(String(name.unicodeScalars.prefix(4 * limit))), to: limit)
}
