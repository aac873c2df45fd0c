import CTerminal
import Canvas

extension InputEvent {
  /// What an event of the C side means; nil if nothing happened, or nothing that has a meaning.
  init?(_ event: pw_event) {
    switch Int(event.kind) {
    case PW_EVENT_CHARACTER:
      guard let key = Key(code: event.value) else { return nil }
      self = .key(key)
    case PW_EVENT_ALT:
      guard let key = Key(code: event.value) else { return nil }
      // Alt with a named key is that key.
      if case .character(let character) = key { self = .key(.alt(character)) } else { self = .key(key) }
    case PW_EVENT_KEY:
      guard let key = Key(named: Int(event.value)) else { return nil }
      self = .key(key)
    case PW_EVENT_MOUSE:
      guard let kind = MouseEvent.Kind(Int(event.value)) else { return nil }
      self = .mouse(
        MouseEvent(
          x: Int(event.x), y: Int(event.y), kind: kind, shift: event.shift, control: event.control))
    case PW_EVENT_RESIZE: self = .resize(width: Int(event.x), height: Int(event.y))
    case PW_EVENT_RESUMED: self = .suspendResumed
    case PW_EVENT_INTERRUPT: self = .interrupt
    case PW_EVENT_END: self = .end(signal: Int32(event.value))
    case PW_EVENT_PASTE: self = .paste(Self.pastedText)
    default: return nil
    }
  }
}

extension InputEvent {
  /// What the terminal sent as pasted last.
  private static var pastedText: String {
    var count = 0
    let bytes = pw_pasted_text(&count)
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }
}

extension Key {
  /// The key that sends a character code, control codes (ASCII below 0x20) included.
  init?(code: UInt32) {
    guard let scalar = Unicode.Scalar(code) else { return nil }
    if let key = Key(typing: Character(scalar)) {
      self = key
    } else if code < 0x20, let letter = Unicode.Scalar(code | 0x40),
      let key = Key(holdingControl: Character(letter))
    {
      self = key
    } else {
      return nil
    }
  }

  fileprivate init?(named code: Int) {
    switch code {
    case PW_KEY_UP: self = .up
    case PW_KEY_DOWN: self = .down
    case PW_KEY_LEFT: self = .left
    case PW_KEY_RIGHT: self = .right
    case PW_KEY_HOME: self = .home
    case PW_KEY_END: self = .end
    case PW_KEY_PAGE_UP: self = .pageUp
    case PW_KEY_PAGE_DOWN: self = .pageDown
    case PW_KEY_INSERT: self = .insert
    case PW_KEY_DELETE: self = .delete
    case PW_KEY_BACKSPACE: self = .backspace
    case PW_KEY_ENTER: self = .enter
    case PW_KEY_BACK_TAB: self = .backTab
    case PW_KEY_FUNCTION + 1...PW_KEY_FUNCTION + 63: self = .function(code - PW_KEY_FUNCTION)
    default: return nil
    }
  }
}

extension MouseEvent.Kind {
  fileprivate init?(_ code: Int) {
    switch code {
    case PW_MOUSE_PRESS_LEFT: self = .pressLeft
    case PW_MOUSE_PRESS_MIDDLE: self = .pressMiddle
    case PW_MOUSE_PRESS_RIGHT: self = .pressRight
    case PW_MOUSE_RELEASE: self = .release
    case PW_MOUSE_DOUBLE_CLICK: self = .doubleClick
    case PW_MOUSE_WHEEL_UP: self = .wheelUp
    case PW_MOUSE_WHEEL_DOWN: self = .wheelDown
    default: return nil
    }
  }
}
