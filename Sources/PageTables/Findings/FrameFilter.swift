/// A quick test that rules out frames outside some ranges: one bit per frame number, modulo the size of the filter.
/// A frame outside may pass; a frame inside always does.
struct FrameFilter {
  private var bits: [UInt64]
  private let mask: UInt64

  private static let mostBits: UInt64 = 1 << 24

  init(_ ranges: PhysicalRanges) {
    let frames = ranges.length >> UInt64(Frame.shift)
    var size: UInt64 = 1 << 12
    while size < FrameFilter.mostBits && size < frames &* 16 { size <<= 1 }
    mask = size - 1
    bits = [UInt64](repeating: 0, count: Int(size >> 6))
    if frames >= size {
      bits = [UInt64](repeating: .max, count: bits.count)
      return
    }
    for range in ranges.ranges {
      var frame = range.start.frame.number
      while frame << UInt64(Frame.shift) < range.end.value {
        bits[Int((frame & mask) >> 6)] |= 1 << (frame & 63)
        frame &+= 1
      }
    }
  }

  @inline(__always)
  func mayContain(_ address: PhysicalAddress) -> Bool {
    let frame = address.frame.number & mask
    return bits[Int(truncatingIfNeeded: frame >> 6)] & (1 << (frame & 63)) != 0
  }
}
