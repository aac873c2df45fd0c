import MemoryImages
import PageTables

/// The search for roots of the same kernel as a known one: those whose kernel part leads to the same tables, and
/// those that have their own tables for it but map the kernel's landmarks all the same.
struct RootScan {
  /// Both in ascending address; no root is in both.
  struct Roots {
    var agreeing: [PhysicalAddress] = []
    var byLandmarks: [PhysicalAddress] = []
    /// Whether the search was cut off, so that there may be more.
    var isCut = false
  }

  /// The most roots collected: no machine has more, but memory may repeat one page.
  static let mostRoots = 1 << 16

  let shape: RootShape
  /// The known root's entries.
  private let reference: [UInt64]
  /// Kernel slots that the known root uses; the first and last serve as a quick test.
  private let slots: [Int]
  private let landmarks: [Landmarks]
  /// A slot that every root with the landmarks uses, if there is one: a quick test.
  private let landmarkSlot: Int?

  /// Nil where the known root has nothing to compare with.
  init?(_ shape: RootShape, root: PhysicalAddress, landmarks: [Landmarks], in memory: any PhysicalMemory) {
    guard let entries = shape.entries(at: root, in: memory) else { return nil }
    self.shape = shape
    self.landmarks = landmarks
    let required = Set(landmarks.map(\.requiredSlot))
    landmarkSlot = required.count == 1 ? landmarks[0].requiredSlot : nil
    reference = entries
    // A slot that points back at the root differs for each root.
    slots = shape.kernelSlots.filter { slot in
      let raw = entries[slot]
      return shape.format.present.matches(raw) && shape.format.tableAddress.address(in: raw) != root
    }
    guard !slots.isEmpty || !landmarks.isEmpty else { return nil }
  }

  /// Whether the known root has a kernel part whose entries other roots may share.
  var comparesEntries: Bool { !slots.isEmpty }

  /// All such roots; nil when `pass` was stopped.
  func run(_ pass: MemoryPass) -> Roots? {
    var found = Roots()
    let physical = pass.memory.extent.physical
    let probe = LikenessProbe(
      shape, entriesOf: slots.first.map { ($0, reference[$0]) }, and: slots.last.map { ($0, reference[$0]) },
      landmarkSlot: landmarks.isEmpty ? nil : .some(landmarkSlot), physical)
    let fitsPage = shape.fitsPage
    let finished = pass.forEachPage { address, page in
      guard found.agreeing.count &+ found.byLandmarks.count < RootScan.mostRoots else {
        found.isCut = true
        return
      }
      if !fitsPage {
        look(at: address, pass.memory, physical, &found)
        return
      }
      var next = 0
      while let offset = probe.next(in: page, from: &next) {
        let root = address.advanced(by: UInt64(offset))
        if probe.hasWantedEntry(page, offset),
          agrees({ shape.entry($0, in: page, at: offset) })
        {
          found.agreeing.append(root)
        } else if mayHoldLandmarks(page, offset), shape.isPlausible(page, offset, physical),
          landmarks.contains(where: { $0.hold(in: root, pass.memory) })
        {
          found.byLandmarks.append(root)
        }
      }
    }
    return finished ? found : nil
  }

  /// The same for a root of several pages.
  private func look(
    at root: PhysicalAddress, _ memory: any PhysicalMemory, _ physical: PhysicalRanges, _ found: inout Roots
  ) {
    guard let entries = shape.entries(at: root, in: memory) else { return }
    if agrees({ entries[$0] }) {
      found.agreeing.append(root)
    } else if !landmarks.isEmpty, shape.isPlausible(entries, physical),
      landmarks.contains(where: { $0.hold(in: root, memory) })
    {
      found.byLandmarks.append(root)
    }
  }

  @inline(__always)
  private func mayHoldLandmarks(_ page: RawSpan, _ offset: Int) -> Bool {
    for landmarks in landmarks where landmarks.mayHold(page, at: offset, shape) { return true }
    return false
  }

  /// Whether at least three quarters of the known kernel entries are here, too. Not all need be: per-process
  /// slots (an LDT, a self-reference) and ones that are filled in late may differ.
  @inline(__always)
  private func agrees(_ entry: (_ slot: Int) -> UInt64) -> Bool {
    var same = 0
    for slot in slots where shape.agree(entry(slot), reference[slot]) { same += 1 }
    return !slots.isEmpty && same * 4 >= slots.count * 3
  }
}

/// The first test of bytes that could be a root: does one of two entries agree with the known root, or does an
/// entry that the landmarks need lead anywhere? Holds plain values, as it runs for every line of memory where roots
/// are small.
private struct LikenessProbe {
  /// Tests whether an entry of a root agrees with a wanted one in these bits.
  private struct Likeness {
    /// Bytes from the root to the entry.
    var offset = 0
    var bits: UInt64 = 0
    /// By default no entry passes; `bits` and `wanted` must be set.
    var wanted: UInt64 = 1

    @inline(__always)
    func isIn(_ page: RawSpan, _ root: Int, _ entrySize: Int) -> Bool {
      page.entry(at: root &+ offset, size: entrySize) & bits == wanted
    }
  }

  private var first = Likeness()
  private var last = Likeness()
  private var landmark = Likeness()
  private let entrySize: Int
  private let size: Int
  private let step: Int

  /// - Parameters:
  ///   - first: a slot of the known root and its entry; nil for none.
  ///   - last: another one, or the same.
  ///   - landmarkSlot: outer nil where no landmarks are searched for; inner nil where they have no slot in common.
  init(
    _ shape: RootShape, entriesOf first: (slot: Int, raw: UInt64)?, and last: (slot: Int, raw: UInt64)?,
    landmarkSlot: Int??, _ physical: PhysicalRanges
  ) {
    entrySize = shape.format.entrySize
    size = shape.size
    step = Int(shape.scheme.rootAlignment)
    func likeness(_ entry: (slot: Int, raw: UInt64)) -> Likeness {
      let bits = shape.leadingBits(of: entry.raw)
      return Likeness(offset: entry.slot * shape.format.entrySize, bits: bits, wanted: entry.raw & bits)
    }
    if let last { self.last = likeness(last) }
    // If both are the same slot, one test is enough.
    if let first { self.first = first.slot == last?.slot ? self.last : likeness(first) }
    if let landmarkSlot {
      if let slot = landmarkSlot {
        let test = shape.format.leadsSomewhere(in: physical)
        landmark = Likeness(offset: slot * shape.format.entrySize, bits: test.mask, wanted: test.value)
      } else {
        landmark.wanted = 0
      }
    }
  }

  /// The next place in a page of 4096 bytes that passes; `offset` advances past it.
  @inline(__always)
  func next(in page: RawSpan, from offset: inout Int) -> Int? {
    // Constants that the compiler can fold; otherwise it would test the size at every entry.
    entrySize == 8 ? next(in: page, from: &offset, entrySize: 8) : next(in: page, from: &offset, entrySize: 4)
  }

  /// Whether a place passed because of an entry of the known root.
  func hasWantedEntry(_ page: RawSpan, _ root: Int) -> Bool {
    last.isIn(page, root, entrySize) || first.isIn(page, root, entrySize)
  }

  @inline(__always)
  private func next(in page: RawSpan, from offset: inout Int, entrySize: Int) -> Int? {
    let (first, last, landmark) = (first, last, landmark)
    let (end, step) = (Int(Frame.size) &- size, step)
    var here = offset
    while here <= end {
      let root = here
      here &+= step
      if last.isIn(page, root, entrySize) || landmark.isIn(page, root, entrySize)
        || first.isIn(page, root, entrySize)
      {
        offset = here
        return root
      }
    }
    offset = here
    return nil
  }
}

extension EntryFormat {
  /// A test passed by every entry that points at a table in the machine's memory, or maps a frame; others may pass,
  /// too.
  fileprivate func leadsSomewhere(in physical: PhysicalRanges) -> BitTest {
    var clear = tableReserved
    let end = physical.ranges.last?.end ?? PhysicalAddress(0)
    if pointsAtTable == .always {
      for bit in 0..<UInt64(entrySize * 8) {
        let lowest = tableAddress.address(in: 1 << bit)
        if lowest.value != 0, lowest >= end { clear |= 1 << bit }
      }
    } else {
      clear &= leafReserved
    }
    return BitTest(mask: present.mask | (clear & ~present.mask), value: present.value)
  }
}
