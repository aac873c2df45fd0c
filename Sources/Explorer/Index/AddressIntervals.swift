import PageTables

/// Stretches of addresses, to be asked whether one of them touches another stretch.
struct AddressIntervals: Sendable {
  private let starts: [UInt64]
  /// The last address of this stretch and all before it.
  private let lasts: [UInt64]

  /// - Parameter stretches: start and length of each, in any order; they may overlap.
  init(_ stretches: [(start: UInt64, length: UInt64)]) {
    let sorted = stretches.filter { $0.length > 0 }.sorted { $0.start < $1.start }
    starts = sorted.map(\.start)
    var highest: UInt64 = 0
    lasts = sorted.map { start, length in
      let (last, overflow) = start.addingReportingOverflow(length - 1)
      highest = max(highest, overflow ? .max : last)
      return highest
    }
  }

  func overlap(_ start: UInt64, _ length: UInt64) -> Bool {
    guard length > 0 else { return false }
    let (sum, overflow) = start.addingReportingOverflow(length - 1)
    let last = overflow ? UInt64.max : sum
    let after = starts.partitioningIndex { $0 > last }
    return after > 0 && lasts[after - 1] >= start
  }
}
