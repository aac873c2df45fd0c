import Synchronization

/// A memory that can be changed without changing the one below it: pages are copied when they are first written.
///
/// New frames lie above the end of the memory below, or start at a given address. A page that is written back to
/// its original contents counts as unchanged again. Reading an unchanged page costs one more memory access.
public final class OverlayMemory: WritableMemory {
  /// The memory below; it is never written.
  public let base: any PhysicalMemory

  private struct State {
    var pages: [Frame: PageWords] = [:]
    var ledger: FrameLedger
    var extent: MemoryExtent?
  }

  private let state: Mutex<State>
  /// One bit for every 64th frame number, set when one of those frames may be changed; most readers thus need not
  /// take the lock.
  private let touched = Atomic<UInt64>(0)

  /// - Parameter first: where new frames start; by default above all memory that the memory below reports.
  public init(over base: any PhysicalMemory, allocatingFrom first: PhysicalAddress? = nil) {
    self.base = base
    let extent = base.extent
    let end = max(extent.readable.end, extent.physical.end, extent.dumped.end)
    let above = Frame(end.frame.number + (end.offsetInFrame == 0 ? 0 : 1))
    state = Mutex(State(ledger: FrameLedger(first: first?.frame ?? above)))
  }

  /// Pages that differ from the memory below, new frames included.
  public var changedPages: Int { state.withLock { $0.pages.count } }

  /// Whether anything differs from the memory below.
  public var isChanged: Bool { changedPages > 0 }

  /// Whether the frame's bytes differ from those of the memory below.
  public func isChanged(_ frame: Frame) -> Bool { state.withLock { $0.pages[frame] != nil } }

  // MARK: PhysicalMemory

  /// The extent of the memory below, plus the new frames.
  public var extent: MemoryExtent {
    state.withLock { state in
      if let extent = state.extent { return extent }
      let extent = extent(with: state.ledger.allocated)
      state.extent = extent
      return extent
    }
  }

  private func extent(with new: [PhysicalRange]) -> MemoryExtent {
    let below = base.extent
    return MemoryExtent(
      readable: PhysicalRanges(below.readable.ranges + new),
      physical: PhysicalRanges(below.physical.ranges + new),
      dumped: PhysicalRanges(below.dumped.ranges + new))
  }

  /// Passes the 4096 bytes of a page to `body`: those written here, or else those of the memory below.
  public func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    if touched.load(ordering: .acquiring) & OverlayMemory.bit(of: address.frame) != 0,
      let page = state.withLock({ $0.pages[address.frame] })
    {
      // The page is a value of our own: concurrent writers write to a copy.
      return page.withBytes(body)
    }
    return try base.withPage(at: address, body)
  }

  /// The current contents; later writes do not affect it.
  public func moment() -> any PhysicalMemory {
    let (pages, new) = state.withLock { ($0.pages, $0.ledger.allocated) }
    guard !pages.isEmpty || !new.isEmpty else { return base.moment() }
    return OverlayMoment(base: base.moment(), pages: pages, extent: extent(with: new))
  }

  // MARK: WritableMemory

  /// Writes entries, all or none; a page is copied from the memory below when it is first written.
  public func write(_ entries: [EntryWrite]) throws(MissingPage) {
    try state.withLock { state throws(MissingPage) in
      var pages: [Frame: PageWords] = [:]
      for entry in entries {
        let frame = entry.address.frame
        var page: PageWords
        if let known = pages[frame] ?? state.pages[frame] {
          page = known
        } else {
          page = try base.withPage(at: entry.address) { PageWords(copying: $0) }
        }
        pages[frame] = nil
        page.store(entry.raw, size: entry.size, at: entry.address.offsetInFrame)
        pages[frame] = page
      }
      for (frame, page) in pages {
        let isRestored = !state.ledger.isAllocated(frame) && isSameBelow(page, frame)
        state.pages[frame] = isRestored ? nil : page
        if !isRestored { touched.bitwiseOr(OverlayMemory.bit(of: frame), ordering: .releasing) }
      }
      if state.pages.isEmpty { touched.store(0, ordering: .releasing) }
    }
  }

  /// Allocates zeroed frames above the memory below, each run contiguous; all of them or none.
  public func allocate(runs lengths: [Int], below limit: PhysicalAddress) throws(OutOfFrames) -> [Frame] {
    try state.withLock { state throws(OutOfFrames) in
      let runs = try state.ledger.allocate(runs: lengths, below: limit)
      for (start, length) in zip(runs, lengths) {
        for number in start.number..<start.number + UInt64(length) {
          state.pages[Frame(number)] = PageWords()
          touched.bitwiseOr(OverlayMemory.bit(of: Frame(number)), ordering: .releasing)
        }
      }
      if !runs.isEmpty { state.extent = nil }
      return runs
    }
  }

  /// Adds one hold to each of the frames.
  public func hold(_ frames: [Frame]) { state.withLock { $0.ledger.hold(frames) } }

  /// Ends one hold of each frame; a frame without holds is free again.
  public func release(_ frames: [Frame]) {
    state.withLock { state in
      let freed = state.ledger.release(frames)
      for frame in freed { state.pages[frame] = nil }
      if !freed.isEmpty { state.extent = nil }
    }
  }

  /// How many holds there are on a frame that was allocated here.
  public func holders(of frame: Frame) -> Int { state.withLock { $0.ledger.holders(of: frame) } }

  /// Whether a frame was allocated here and has not been freed.
  public func isAllocated(_ frame: Frame) -> Bool { state.withLock { $0.ledger.isAllocated(frame) } }

  private func isSameBelow(_ page: PageWords, _ frame: Frame) -> Bool {
    do throws(MissingPage) {
      return try base.withPage(at: frame.start) { page.isSame(as: $0) }
    } catch {
      return false
    }
  }

  private static func bit(of frame: Frame) -> UInt64 { 1 &<< (frame.number & 63) }
}

/// The contents of an overlay at one moment.
private struct OverlayMoment: PhysicalMemory {
  let base: any PhysicalMemory
  let pages: [Frame: PageWords]
  let extent: MemoryExtent

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    if let page = pages[address.frame] { return page.withBytes(body) }
    return try base.withPage(at: address, body)
  }
}
