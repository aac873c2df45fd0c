/// Counts distinct pages of given physical memory, each once, however often it is added: one bit per page.
struct SharedPages {
  /// Pages added since the last `clear`.
  private(set) var count = 0
  /// Whether the ranges hold more pages than can be told apart.
  let isCut: Bool

  private let shift: UInt64
  private let ranges: [PhysicalRange]
  /// The number of each range's first page.
  private let firstPages: [Int]
  private var words: [UInt64]
  /// Which stretches of `words` are not all 0, so that the cost of clearing depends on what was added.
  private var touched: [Int] = []
  private var isTouched: [Bool]
  /// The range hit last: successive frames tend to lie in the same one.
  private var recent = 0

  /// log2 of the pages in one stretch of `words`.
  private static let stretchShift = 12
  /// 1 TiB of pages of 4 KiB, in 32 MiB of bits.
  private static let mostPages = 1 << 28

  /// - Parameter pageSize: bytes of a page, a power of 2, which the ranges are multiples of.
  init(_ wanted: PhysicalRanges, pageSize: UInt64) {
    shift = UInt64(pageSize.trailingZeroBitCount)
    var ranges: [PhysicalRange] = []
    var firstPages: [Int] = []
    var pages = 0
    var isCut = false
    for range in wanted.ranges {
      let own = Int(truncatingIfNeeded: min(range.length >> shift, 1 << 52))
      let kept = min(own, SharedPages.mostPages - pages)
      isCut = isCut || kept < own
      guard kept > 0 else { continue }
      ranges.append(PhysicalRange(range.start, range.start.advanced(by: UInt64(kept) << shift)))
      firstPages.append(pages)
      pages += kept
    }
    self.ranges = ranges
    self.firstPages = firstPages
    self.isCut = isCut
    isTouched = [Bool](repeating: false, count: pages >> SharedPages.stretchShift + 1)
    words = [UInt64](repeating: 0, count: isTouched.count << (SharedPages.stretchShift - 6))
  }

  var isEmpty: Bool { ranges.isEmpty }

  /// Whether any of the `length` bytes at an address lies in one of the ranges.
  @inline(__always)
  mutating func overlaps(_ start: PhysicalAddress, _ length: UInt64) -> Bool {
    let index = firstRange(endingAbove: start)
    return index < ranges.count && ranges[index].start.value < SharedPages.end(start, length)
  }

  /// Adds the pages of `length` bytes at an address that lie in the ranges; returns the steps taken.
  @inline(__always)
  mutating func add(_ start: PhysicalAddress, _ length: UInt64) -> Int {
    let end = SharedPages.end(start, length)
    var index = firstRange(endingAbove: start)
    var steps = 1
    while index < ranges.count, ranges[index].start.value < end {
      let range = ranges[index]
      let first = firstPages[index] + page(of: max(start, range.start).value, in: range)
      let last = firstPages[index] + page(of: min(end, range.end.value) &- 1, in: range)
      steps &+= (last &- first) >> 6 &+ 1
      set(first...last)
      index += 1
    }
    return steps
  }

  /// Forgets what was added.
  mutating func clear() {
    count = 0
    for stretch in touched {
      isTouched[stretch] = false
      let first = stretch << (SharedPages.stretchShift - 6)
      for word in first..<first + 1 << (SharedPages.stretchShift - 6) { words[word] = 0 }
    }
    touched.removeAll(keepingCapacity: true)
  }

  private static func end(_ start: PhysicalAddress, _ length: UInt64) -> UInt64 {
    let (sum, overflow) = start.value.addingReportingOverflow(length)
    return overflow ? .max : sum
  }

  private func page(of address: UInt64, in range: PhysicalRange) -> Int {
    Int(truncatingIfNeeded: (address &- range.start.value) >> shift)
  }

  @inline(__always)
  private mutating func firstRange(endingAbove address: PhysicalAddress) -> Int {
    for index in recent..<min(recent + 2, ranges.count)
    where ranges[index].end > address && (index == 0 || ranges[index - 1].end <= address) {
      recent = index
      return index
    }
    let index = ranges.partitioningIndex { $0.end > address }
    recent = min(index, max(ranges.count - 1, 0))
    return index
  }

  private mutating func set(_ pages: ClosedRange<Int>) {
    for stretch in pages.lowerBound >> SharedPages.stretchShift...pages.upperBound >> SharedPages.stretchShift
    where !isTouched[stretch] {
      isTouched[stretch] = true
      touched.append(stretch)
    }
    for word in pages.lowerBound >> 6...pages.upperBound >> 6 {
      let low = max(pages.lowerBound - word << 6, 0)
      let high = min(pages.upperBound - word << 6, 63)
      let mask = (UInt64.max << UInt64(low)) & (UInt64.max >> UInt64(63 - high))
      count += (mask & ~words[word]).nonzeroBitCount
      words[word] |= mask
    }
  }
}
