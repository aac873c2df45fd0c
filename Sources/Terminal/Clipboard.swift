/// The sequence that asks a terminal to put text on the clipboard: OSC 52 of xterm's control sequences.
package enum Clipboard {
  /// The longest text, in UTF-8 bytes: with it the sequence stays below the 100000 bytes that terminals take.
  package static let limit = 74994

  /// The bytes to send for `text`; nil if it is too long.
  ///
  /// tmux takes the sequence itself if it is set up so, or hands it on if it comes wrapped; which of them, only
  /// its user knows, so inside tmux both are sent.
  static func sequence(for text: String, insideTmux: Bool) -> [UInt8]? {
    guard text.utf8.count <= limit else { return nil }
    let escape: UInt8 = 0x1B
    let plain = [escape] + "]52;c;".utf8 + base64(Array(text.utf8)) + [7]
    guard insideTmux else { return plain }
    let wrapped = [escape] + "Ptmux;".utf8 + [escape] + plain + [escape] + "\\".utf8
    return plain + wrapped
  }

  /// RFC 4648, section 4, with padding.
  private static func base64(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      bits <<= UInt32(8 * (3 - group.count))
      for position in 0..<4 {
        let digit = Int(bits >> UInt32(18 - 6 * position) & 63)
        result.append(position <= group.count ? alphabet[digit] : UInt8(ascii: "="))
      }
    }
    return result
  }
}
