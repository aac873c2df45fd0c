import Glibc

/// How far a scan is, on standard error where that is a terminal, once it takes long enough to wonder.
struct ScanProgress {
  private let start = ContinuousClock.now
  private let isShown = isatty(2) == 1
  private var percent = -1
  private let goal: String

  /// - Parameter goal: what memory is searched for.
  init(_ goal: String = "roots") { self.goal = goal }

  /// Nothing is shown before: most scans are done by then.
  private static let patience = Duration.seconds(1)

  mutating func show(_ fraction: Double) {
    let now = Int(max(0, min(1, fraction)) * 100)
    guard isShown, now != percent, ContinuousClock.now - start > ScanProgress.patience else { return }
    percent = now
    write("\rsearching memory for \(goal): \(now) % (Ctrl-c stops)")
  }

  /// Takes the line away again.
  mutating func clear() {
    if percent >= 0 { write("\r\u{1b}[K") }
    percent = -1
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }
}
