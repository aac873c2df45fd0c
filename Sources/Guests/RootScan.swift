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

/// The search for roots that belong to the same kernel as a known one: those whose kernel part leads to the same
/// tables, and those that have tables of their own for it and map the kernel's landmarks all the same.
struct RootScan {
  /// Both in ascending address; no root is in both.
  struct Roots {
    var agreeing: [PhysicalAddress] = []
    var byLandmarks: [PhysicalAddress] = []
    /// Whether there may be more than were looked for.
    var isCut = false
  }

  /// Roots from which on no more are looked for: no machine has so many, and memory that repeats one page may.
  static let mostRoots = 1 << 16

  let shape: RootShape
  /// The known root's entries.
  private let reference: [UInt64]
  /// Kernel slots that the known root uses; the first and last serve as a quick probe.
  private let slots: [Int]
  private let landmarks: [Landmarks]
  /// A slot that every root with the landmarks uses, where there is one: a quick probe.
  private let landmarkSlot: Int?

  /// Nil where the known root has nothing to compare with.
  init?(_ shape: RootShape, root: PhysicalAddress, landmarks: [Landmarks], in memory: any PhysicalMemory) {
    guard let entries = shape.entries(at: root, in: memory) else { return nil }
    self.shape = shape
    self.landmarks = landmarks
    let required = Set(landmarks.map(\.requiredSlot))
    landmarkSlot = required.count == 1 ? landmarks[0].requiredSlot : nil
    reference = entries
    // A slot that points back at the root is each root's own.
    slots = shape.kernelSlots.filter { slot in
      let raw = entries[slot]
      return shape.format.present.matches(raw) && shape.format.tableAddress.address(in: raw) != root
    }
    guard !slots.isEmpty || !landmarks.isEmpty else { return nil }
  }

  /// Whether the known root has a kernel part whose entries others may have, too.
  var comparesEntries: Bool { !slots.isEmpty }

  /// All such roots, nil when `pass` was stopped.
  func run(_ pass: MemoryPass) -> Roots? {
    var found = Roots()
    let first = slots.first ?? 0
    let last = slots.last ?? 0
    let firstEntry = reference[first]
    let lastEntry = reference[last]
    let firstBits = shape.leadingBits(of: firstEntry)
    let lastBits = shape.leadingBits(of: lastEntry)
    let step = Int(shape.scheme.rootAlignment)
    let physical = pass.memory.extent.physical
    let compares = comparesEntries
    let hasLandmarks = !landmarks.isEmpty
    let probe = landmarkSlot ?? 0
    let hasProbe = landmarkSlot != nil
    let present = shape.format.present
    let finished = pass.forEachPage { address, page in
      guard found.agreeing.count &+ found.byLandmarks.count < RootScan.mostRoots else {
        found.isCut = true
        return
      }
      var offset = 0
      while offset &+ shape.size <= Int(Frame.size) {
        let here = offset
        offset &+= step
        let isAlike =
          (shape.entry(last, in: page, at: here) ^ lastEntry) & lastBits == 0
          || (shape.entry(first, in: page, at: here) ^ firstEntry) & firstBits == 0
        guard isAlike || hasLandmarks else { continue }
        if compares, isAlike, agrees(page, here) {
          found.agreeing.append(address.advanced(by: UInt64(here)))
        } else if hasLandmarks, !hasProbe || present.matches(shape.entry(probe, in: page, at: here)),
          mayHoldLandmarks(page, here), shape.isPlausible(page, here, physical)
        {
          let root = address.advanced(by: UInt64(here))
          if landmarks.contains(where: { $0.hold(in: root, pass.memory) }) { found.byLandmarks.append(root) }
        }
      }
    }
    return finished ? found : nil
  }

  @inline(__always)
  private func mayHoldLandmarks(_ page: RawSpan, _ offset: Int) -> Bool {
    for landmarks in landmarks where landmarks.mayHold(page, at: offset, shape) { return true }
    return false
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
