/// Says once, on standard error, that a list has become very long: tables that repeat map without end, and nobody
/// should wait for that in silence.
struct LongList {
  private var lines = 0
  private let patience: Int
  private let report: (String) -> Void

  init(patience: Int = 1_000_000, report: @escaping (String) -> Void = complain) {
    self.patience = patience
    self.report = report
  }

  /// Counts one line more.
  ///
  /// - Parameter remark: how long the list gets, and what bounds it; asked for once at most.
  mutating func line(_ remark: () -> String) {
    lines &+= 1
    if lines == patience { report("\(lines) lines so far: \(remark())") }
  }
}

/// A count that saturates, for people.
func saturatingText(_ count: UInt64) -> String { count == .max ? "more than 2^64" : "\(count)" }
