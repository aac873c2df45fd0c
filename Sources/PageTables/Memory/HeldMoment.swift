import Synchronization

/// One moment of a memory that changes: a page is copied when it is first read, and read from the copy ever after.
///
/// What is copied while a machine stands still is consistent; a page that is first read later is as it is then, until the
/// moment is over. Passes over all of memory copy nothing.
public final class HeldMoment: PhysicalMemory {
  private let source: any PhysicalMemory
  private let pages = Mutex<[Frame: PageWords]>([:])
  private let isOver = Atomic<Bool>(false)

  /// That of the source when the moment was begun.
  public let extent: MemoryExtent
  /// What the source knows of itself.
  public let populated: PhysicalRanges

  /// A moment that holds nothing yet.
  public init(of source: any PhysicalMemory) {
    self.source = source
    extent = source.extent
    populated = source.populated
  }

  /// The frames that are held, ascending.
  public var frames: [Frame] { pages.withLock { Array($0.keys) }.sorted() }

  /// Copies frames as they are now; those that cannot be read are left out.
  public func hold(_ frames: [Frame]) {
    var room = HeldMoment.room(for: frames)
    hold(frames, in: &room)
  }

  /// Copies frames as they are now; those that cannot be read, and those that there is no room for, are left out.
  ///
  /// - Parameter room: what `room(for:)` made beforehand, and empty afterwards: then nothing is allocated while a machine
  ///   stands still.
  public func hold(_ frames: [Frame], in room: inout Room) {
    var held = room.pages
    // From here on it is the only one, and is changed in place.
    room.pages = [:]
    for frame in frames {
      guard let index = held.index(forKey: frame) else { continue }
      let isCopied: Void? = try? source.withPage(at: frame.start) { held.values[index].copy($0) }
      if isCopied == nil { held.remove(at: index) }
    }
    pages.withLock { pages in
      if pages.isEmpty { pages = held } else { pages.merge(held) { earlier, _ in earlier } }
    }
  }

  /// Room for pages that are going to be held.
  public struct Room: Sendable {
    fileprivate var pages: [Frame: PageWords]
  }

  /// Makes room: a page that is written for the first time costs the system more than it costs to copy one.
  public static func room(for frames: [Frame]) -> Room {
    var pages: [Frame: PageWords] = [:]
    pages.reserveCapacity(frames.count * 2)
    for frame in frames where pages[frame] == nil { pages[frame] = PageWords() }
    return Room(pages: pages)
  }

  /// Ends the moment, as the next one begins: what has not been read by now is missing from then on, since the source has
  /// other bytes there.
  public func end() { isOver.store(true, ordering: .relaxed) }

  /// The same, read faster: for work that reads all tables.
  public func moment() -> any PhysicalMemory { HeldSnapshot(pages.withLock { $0 }, of: self) }

  /// Passes the 4096 bytes of a page to `body`, as they were when the page was first read.
  public func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let frame = address.frame
    if let held = pages.withLock({ $0[frame] }) { return held.withBytes(body) }
    guard !isOver.load(ordering: .relaxed) else {
      throw extent.physical.contains(address) ? .notInDump : .outsidePhysicalMemory
    }
    let copy = try source.withPage(at: address) { PageWords(copying: $0) }
    let held = pages.withLock { pages in
      // Another thread may have been faster; all see the same bytes.
      if let held = pages[frame] { return held }
      pages[frame] = copy
      return copy
    }
    return held.withBytes(body)
  }

  /// Passes each whole readable page of `range` to `body`: what is held as it was, the rest as it is now; of a moment
  /// that is over, what is held.
  public func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    let held = pages.withLock { $0 }
    guard !isOver.load(ordering: .relaxed) else {
      for frame in held.keys.sorted() where range.start <= frame.start && frame.start < range.end {
        held[frame]?.withBytes { body(frame.start, $0) }
      }
      return
    }
    source.forEachPage(in: range) { address, page in
      if let held = held[address.frame] {
        held.withBytes { body(address, $0) }
      } else {
        body(address, page)
      }
    }
  }
}
