/// Records which frames a memory allocated, which of them are free again, and who holds what.
struct FrameLedger {
  /// The lowest frame that can be allocated, and the first one that never was.
  private let first: UInt64
  private var next: UInt64
  /// Free frames between these two, highest first: the lowest is allocated first.
  private var free: [UInt64] = []
  private var holds: [Frame: Int] = [:]

  init(first: Frame) {
    self.first = first.number
    next = first.number
  }

  /// The frames allocated and not freed, as ranges.
  var allocated: [PhysicalRange] {
    var ranges: [PhysicalRange] = []
    var start = first
    for gap in free.reversed() {
      ranges.append(PhysicalRange(Frame(start).start, Frame(gap).start))
      start = gap + 1
    }
    ranges.append(PhysicalRange(Frame(start).start, Frame(next).start))
    return ranges
  }

  func isAllocated(_ frame: Frame) -> Bool {
    guard frame.number >= first, frame.number < next else { return false }
    let index = free.partitioningIndex { $0 <= frame.number }
    return index == free.count || free[index] != frame.number
  }

  func holders(of frame: Frame) -> Int { holds[frame] ?? 0 }

  /// Allocates runs and returns the first frame of each; changes nothing on failure. Runs of length 0 are refused.
  /// A run whose length is a power of 2 begins at a multiple of it, as tables and huge pages of that size do.
  mutating func allocate(runs lengths: [Int], below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame] {
    let end = limit.frame.number
    var taken = self
    var frames: [Frame] = []
    for length in lengths {
      guard length > 0 else { throw OutOfFrames(count: length, limit: limit) }
      if length == 1, let lowest = taken.free.last, lowest < end {
        taken.free.removeLast()
        frames.append(Frame(lowest))
      } else {
        let alignment = length & (length - 1) == 0 ? UInt64(length) : 1
        let (sum, overflow) = taken.next.addingReportingOverflow(alignment - 1)
        let start = sum & ~(alignment - 1)
        guard !overflow, start < end, UInt64(length) <= end - start else {
          throw OutOfFrames(count: lengths.reduce(0, &+), limit: limit)
        }
        taken.free.insert(contentsOf: (taken.next..<start).reversed(), at: 0)
        taken.next = start
        frames.append(Frame(taken.next))
        taken.next += UInt64(length)
      }
    }
    for (frame, length) in zip(frames, lengths) {
      for number in frame.number..<frame.number + UInt64(length) { taken.holds[Frame(number)] = 1 }
    }
    self = taken
    return frames
  }

  mutating func hold(_ frames: [Frame]) {
    for frame in frames { holds[frame, default: 0] += 1 }
  }

  /// Returns which of the frames are now free.
  mutating func release(_ frames: [Frame]) -> [Frame] {
    var freed: [Frame] = []
    for frame in frames {
      guard let count = holds[frame] else { continue }
      guard count == 1 else {
        holds[frame] = count - 1
        continue
      }
      holds[frame] = nil
      if isAllocated(frame) { freed.append(frame) }
    }
    giveBack(freed)
    return freed
  }

  /// Frees all at once, as each sort costs time proportional to the length of the list.
  private mutating func giveBack(_ frames: [Frame]) {
    guard !frames.isEmpty else { return }
    free.append(contentsOf: frames.map(\.number))
    free.sort(by: >)
    var atEnd = 0
    while atEnd < free.count, free[atEnd] + 1 == next {
      next -= 1
      atEnd += 1
    }
    free.removeFirst(atEnd)
  }
}
