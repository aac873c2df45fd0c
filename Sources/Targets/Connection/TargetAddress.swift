/// Where a target listens: `/path`, `HOST:PORT`, `[ADDRESS]:PORT` or `:PORT`.
enum TargetAddress: Hashable, Sendable {
  case path(String)
  case host(String, port: UInt16)

  /// Nil where the text is none of these.
  init?(_ text: some StringProtocol) {
    if text.contains("/") {
      self = .path(String(text))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    self = .host(host.isEmpty ? "localhost" : String(host), port: port)
  }

}
