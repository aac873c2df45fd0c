/// A key, or keys held together, as a terminal reports it.
///
/// A terminal sends the same byte for some of them; these have one case only: Ctrl-i is `.tab`, Ctrl-m and Ctrl-j
/// are `.enter`, Ctrl-h is `.backspace` and Ctrl-[ is `.escape`.
package enum Key: Hashable, Sendable {
  /// A key that types something; with Shift it is another character.
  case character(Character)
  /// Ctrl with a character, in lower case.
  case control(Character)
  /// Alt (or Escape at the same moment) with a character.
  case alt(Character)
  /// Named keys.
  case enter, tab, backTab, backspace, escape
  /// The cursor keys.
  case up, down, left, right
  /// The keys above the cursor keys.
  case home, end, pageUp, pageDown, insert, delete
  /// A function key, from 1.
  case function(Int)
}
