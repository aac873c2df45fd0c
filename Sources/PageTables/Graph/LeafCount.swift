/// Counting the leaves of a table of the last level. Indexing many spaces spends most of its time here.
extension PagingLevelShape {
  /// Counts the leaves and the malformed entries of such a table, or of a part of it.
  @inline(__always)
  func countLeaves(_ page: RawSpan, _ offset: Int, _ count: Int) -> (leaves: UInt64, malformed: UInt64) {
    if let fast = countLines(page, offset, count) { return (fast, 0) }
    return entrySize == 8
      ? countEach(page, offset, count, size: 8) : countEach(page, offset, count, size: 4)
  }

  /// The leaves of a table in which no entry can be malformed: whole cache lines at a time, without a branch. Nil
  /// where more has to be looked at than one bit of each entry.
  @inline(__always)
  private func countLines(_ page: RawSpan, _ offset: Int, _ count: Int) -> UInt64? {
    let present = format.present
    guard count & 15 == 0, format.faulty.count == 0, !present.isInverted, present.mask.nonzeroBitCount == 1,
      present.value == present.mask
    else { return nil }
    let bit = present.mask.trailingZeroBitCount
    let tally =
      entrySize == 8
      ? page.tally(ofBit: UInt64(bit), from: offset, lines: count / 8, as: SIMD8<UInt64>.self)
      : entrySize == 4 && bit < 32
        ? page.tally(
          ofBit: UInt32(truncatingIfNeeded: bit), from: offset, lines: count / 16, as: SIMD16<UInt32>.self)
        : nil
    guard let tally, tally.anyBits & format.leafReserved == 0 else { return nil }
    return tally.count
  }

  /// The same for all formats, entry by entry.
  @inline(__always)
  private func countEach(
    _ page: RawSpan, _ offset: Int, _ count: Int, size: Int
  ) -> (leaves: UInt64, malformed: UInt64) {
    var (leaves, malformed): (UInt64, UInt64) = (0, 0)
    var slot = 0
    while slot < count {
      let blank = page.blankEntries(at: offset &+ slot &* size, slot: slot, end: count, size: size)
      if blank > 0 {
        slot &+= blank
        continue
      }
      let stop = min(slot &+ RawSpan.lineSize / size, count)
      while slot < stop {
        let kind = format.kind(of: page.entry(at: offset &+ slot &* size, size: size))
        slot &+= 1
        leaves &+= kind == .leaf ? 1 : 0
        malformed &+= kind == .malformed ? 1 : 0
      }
    }
    return (leaves, malformed)
  }
}

extension RawSpan {
  /// How many entries have a bit set, and which bits any of them has. Unchecked, like `entry(at:size:)`.
  @inline(__always)
  fileprivate func tally<Line: SIMD>(
    ofBit bit: Line.Scalar, from offset: Int, lines: Int, as line: Line.Type
  ) -> (count: UInt64, anyBits: UInt64)?
  where Line.Scalar: FixedWidthInteger & UnsignedInteger, Line: BitwiseCopyable {
    var counts = Line.zero
    var anyBits = Line.zero
    var position = offset
    for _ in 0..<lines {
      let entries = unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: Line.self)
      counts &+= (entries &>> Line(repeating: bit)) & Line(repeating: 1)
      anyBits |= entries
      position &+= RawSpan.lineSize
    }
    var all: Line.Scalar = 0
    for lane in anyBits.indices { all |= anyBits[lane] }
    return (UInt64(counts.wrappedSum()), UInt64(all))
  }
}
