import MemoryImages
import PageTables

/// A pass over all of physical memory, page by page, that can be watched and stopped.
struct MemoryPass {
  let memory: any PhysicalMemory
  /// Gets the part done, 0 to 1, now and then; answers whether to go on.
  let progress: (Double) -> Bool

  /// Pages between two reports of progress.
  private static let pagesPerReport: UInt64 = 4096

  /// Calls `body` with every readable page, but for those that are known to hold nothing but zeroes; answers whether
  /// it got to the end.
  func forEachPage(_ body: (PhysicalAddress, RawSpan) -> Void) -> Bool {
    forEachPage(in: memory.extent.readable.ranges, body)
  }

  /// The same for these ranges, in this order.
  func forEachPage(in readable: [PhysicalRange], _ body: (PhysicalAddress, RawSpan) -> Void) -> Bool {
    let populated = memory.populated
    let ranges = readable.flatMap { populated.overlap(with: $0) }
    let total = Double(max(ranges.reduce(0) { $0 &+ $1.length }, 1))
    var done: UInt64 = 0
    for range in ranges {
      var address = PhysicalAddress((range.start.value &+ Frame.size &- 1) & ~(Frame.size - 1))
      var pages: UInt64 = 0
      while address >= range.start, address < range.end, range.end.value &- address.value >= Frame.size {
        if pages % MemoryPass.pagesPerReport == 0 {
          guard progress(Double(done &+ pages &* Frame.size) / total) else { return false }
        }
        _ = try? memory.withPage(at: address) { page in
          if page.byteCount == Int(Frame.size) { body(address, page) }
        }
        pages &+= 1
        address = address.advanced(by: Frame.size)
      }
      done &+= range.length
    }
    return progress(1)
  }
}

/// The search for roots whose kernel part agrees with that of a known root.
struct RootScan {
  let shape: RootShape
  /// The known root's entries.
  let reference: [UInt64]
  /// Kernel slots that the known root uses; the first and last serve as a quick probe.
  private let slots: [Int]

  /// `root` is where the reference lies: a slot that points back at it is each root's own.
  init?(shape: RootShape, reference: [UInt64], root: PhysicalAddress) {
    self.shape = shape
    self.reference = reference
    slots = shape.kernelSlots.filter { slot in
      let raw = reference[slot]
      return shape.format.present.matches(raw) && shape.format.tableAddress.address(in: raw) != root
    }
    guard !slots.isEmpty else { return nil }
  }

  /// All such roots in ascending address, nil when `pass` was stopped.
  func run(_ pass: MemoryPass) -> [PhysicalAddress]? {
    var found: [PhysicalAddress] = []
    let first = slots[0]
    let last = slots[slots.count - 1]
    let firstEntry = reference[first]
    let lastEntry = reference[last]
    let step = Int(shape.scheme.rootAlignment)
    let finished = pass.forEachPage { address, page in
      var offset = 0
      while offset &+ shape.size <= Int(Frame.size) {
        if shape.agree(shape.entry(last, in: page, at: offset), lastEntry)
          || shape.agree(shape.entry(first, in: page, at: offset), firstEntry)
        {
          if agrees(page, offset) { found.append(address.advanced(by: UInt64(offset))) }
        }
        offset &+= step
      }
    }
    return finished ? found : nil
  }

  /// Whether at least three quarters of the known kernel entries are here, too. Not all need be: per-process
  /// slots (an LDT, a self-reference) and ones that are filled in late may differ.
  private func agrees(_ page: RawSpan, _ offset: Int) -> Bool {
    var same = 0
    for slot in slots where shape.agree(shape.entry(slot, in: page, at: offset), reference[slot]) {
      same += 1
    }
    return same * 4 >= slots.count * 3
  }
}
