import Canvas

extension Unicode.Scalar {
  /// Whether it may go out as it is: it draws something, and changes neither the direction nor the lines of what
  /// follows. Control and format characters (bidirectional controls, tags, annotations) may not, nor what has no
  /// meaning that all agree about.
  var isPlain: Bool {
    if value &- 0x20 < 0x5f { return true }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
      return false
    default: return true
    }
  }
}

/// Text from a dump, fit for a terminal: what may not go out as it is is shown as `?`.
package func printable(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 &- 0x20 < 0x5f }) { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars { result.append(scalar.isPlain ? scalar : CellText.substitute) }
  return String(result)
}

/// The name of a space in a table for people: what nobody could read is cut, JSON has it all.
func nameCell(_ name: String) -> String {
  let limit = 64
  // Marks take no cells, and a hostile name has them without end.
  return CellText.fitted(printable(String(name.unicodeScalars.prefix(4 * limit))), to: limit)
}
