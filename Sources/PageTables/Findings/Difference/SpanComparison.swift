/// Comparing parts of two pages by whole lines. Unchecked, like `entry(at:size:)`: callers respect the pages' bounds.
extension RawSpan {
  /// How many bytes are equal from an offset on in this page and from another on in the other one, in whole lines, of
  /// `length` bytes at most.
  @inline(__always)
  func equalLength(from start: Int, _ other: RawSpan, from otherStart: Int, of length: Int) -> Int {
    var end = 0
    while end &+ 4 &* RawSpan.lineSize <= length {
      let (here, there) = (start &+ end, otherStart &+ end)
      let one = difference(at: here, other, at: there) | difference(at: here &+ 64, other, at: there &+ 64)
      let two =
        difference(at: here &+ 128, other, at: there &+ 128)
        | difference(at: here &+ 192, other, at: there &+ 192)
      guard (one | two).isZero else { break }
      end &+= 4 &* RawSpan.lineSize
    }
    while end &+ RawSpan.lineSize <= length,
      difference(at: start &+ end, other, at: otherStart &+ end).isZero
    {
      end &+= RawSpan.lineSize
    }
    return end
  }

  /// The same for bytes that are 0 in both.
  @inline(__always)
  func blankLength(from start: Int, _ other: RawSpan, from otherStart: Int, of length: Int) -> Int {
    var end = 0
    while end &+ RawSpan.lineSize <= length,
      (line(at: start &+ end) | other.line(at: otherStart &+ end)).isZero
    {
      end &+= RawSpan.lineSize
    }
    return end
  }

  @inline(__always)
  private func difference(at offset: Int, _ other: RawSpan, at otherOffset: Int) -> SIMD8<UInt64> {
    line(at: offset) ^ other.line(at: otherOffset)
  }

  @inline(__always)
  private func line(at offset: Int) -> SIMD8<UInt64> {
    unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD8<UInt64>.self)
  }
}

extension SIMD8<UInt64> {
  fileprivate var isZero: Bool {
    @inline(__always) get {
      let half = lowHalf | highHalf
      let quarter = half.lowHalf | half.highHalf
      return quarter[0] | quarter[1] == 0
    }
  }
}
