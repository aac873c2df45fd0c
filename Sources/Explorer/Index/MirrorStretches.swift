import PageTables

/// Where each mirror lies on one side, frames or kernel addresses: stretches that do not overlap, so that each place is one
/// mirror's, that of the first that begins there or before.
struct MirrorStretches: Sendable {
  private struct Stretch: Sendable {
    var start: UInt64
    var length: UInt64
    /// The mirror, by its number in the index, and where the stretch lies in it.
    let mirror: Int
    var offset: UInt64

    var last: UInt64 { start &+ (length &- 1) }
  }

  /// In the order in which they were added, until `order`; ascending from then on.
  private var all: [Stretch] = []

  var isEmpty: Bool { all.isEmpty }

  /// Adds so many bytes of a mirror, from an offset in it on; not after `order`.
  mutating func add(_ start: UInt64, length: UInt64, mirror: Int, offset: UInt64) {
    guard length > 0, start.addingReportingOverflow(length - 1).overflow == false else { return }
    if let last = all.last, last.mirror == mirror, last.last &+ 1 == start,
      last.offset &+ last.length == offset
    {
      all[all.count - 1].length &+= length
    } else {
      all.append(Stretch(start: start, length: length, mirror: mirror, offset: offset))
    }
  }

  /// Puts them in order, and leaves of each what no earlier one has.
  mutating func order() {
    all.sort { ($0.start, $0.mirror) < ($1.start, $1.mirror) }
    var kept: [Stretch] = []
    for var stretch in all {
      if let taken = kept.last?.last, taken >= stretch.start {
        guard stretch.last > taken else { continue }
        let cut = taken - stretch.start + 1
        stretch.start += cut
        stretch.length -= cut
        stretch.offset &+= cut
      }
      kept.append(stretch)
    }
    all = kept
  }

  /// The first mirror that has one of so many bytes, by its number in the index, and where in it the first of them lies.
  func first(of address: UInt64, length: UInt64) -> (number: Int, offset: UInt64)? {
    let next = all.partitioningIndex { $0.last >= address }
    guard next < all.count, length > 0, all[next].start <= address &+ (length &- 1) else { return nil }
    let distance = address > all[next].start ? address - all[next].start : 0
    return (all[next].mirror, all[next].offset &+ distance)
  }
}
