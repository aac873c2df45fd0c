/// One space at two moments, or at one of them only.
public struct SpacePair: Hashable, Sendable {
  /// The space as it was; nil where it was not there.
  public let old: AddressSpace?
  /// The space as it is; nil where it is gone.
  public let new: AddressSpace?

  /// A space at two moments. Its name, root and scheme may have changed.
  public init(old: AddressSpace?, new: AddressSpace?) {
    self.old = old
    self.new = new
  }

  /// Whether the tables of both moments divide the same addresses in the same way. Otherwise nothing of the one is in
  /// the other: a space went, and another came.
  public var isComparable: Bool {
    guard let old, let new, old.windows.count == new.windows.count else { return false }
    return zip(old.windows, new.windows).allSatisfy { $0.dividesLike($1) }
  }
}

/// What differs in the tables of some spaces between two moments.
///
/// Building it compares every pair of tables (one of the old moment, one of the new) once, however many spaces lead to
/// it, and keeps a few bytes for each pair. The changes themselves are not kept: they are found again, when they are
/// asked for, on the paths that lead to them. Both memories must therefore stay what they are: moments.
public struct SpaceDiff: Sendable {
  /// The spaces, in the order given.
  public let spaces: [SpacePair]
  /// Whether all tables could be compared: hostile memory can pair tables without end.
  public let isComplete: Bool
  /// Entries that point at a table which cannot be read at one of the moments: what is below is not compared, and does
  /// not count as changed.
  public let missingTables: UInt64

  /// Pairs of tables that were compared; some of them more than once, where several processors worked.
  public let comparedPairs: Int

  private let memories: ComparedMemories
  /// Where each moment's machine has memory.
  private let extents: (old: MemoryExtent, new: MemoryExtent)
  /// What each processor compared, for each pair of schemes.
  private let comparisons: [[TableComparison]]
  /// The processor that compared a space, by number.
  private let parts: [Int]
  private let windows: [[PairedWindow]]

  /// Compares the tables of all spaces.
  ///
  /// - Parameters:
  ///   - old: the memory as it was.
  ///   - new: the memory as it is; may be the same source at another moment, or another source.
  ///   - spaces: which spaces belong together. Of a pair that is not comparable, all is removed and all is added.
  ///   - countsUse: whether accessed and dirty bits of pages count as `bits`.
  ///   - progress: called with the number of spaces compared and of all; returning false cancels the work, and the
  ///     result is nil.
  public init?(
    old: any PhysicalMemory, new: any PhysicalMemory, spaces: [SpacePair], countsUse: Bool = false,
    progress: (_ compared: Int, _ all: Int) -> Bool = { _, _ in true }
  ) {
    let memories = ComparedMemories(old: old.moment(), new: new.moment())
    let extents = (old: memories.old.extent, new: memories.new.extent)
    // What tables that nobody made up come to: each page belongs to one pair at each level.
    let pages = (extents.old.readable.length &+ extents.new.readable.length) / Frame.size
    let limit = Int(min(pages &+ 4096, 1 << 28))
    var comparisons: [TableComparison] = []
    let windows = spaces.map { pair in
      PairedWindow.all(of: pair) { old, new in
        let known = comparisons.firstIndex { $0.oldScheme == old && $0.newScheme == new }
        if let known { return known }
        comparisons.append(TableComparison(old: old, new: new, countsUse: countsUse, limit: limit))
        return comparisons.count - 1
      }
    }
    var work = ComparisonWork(comparisons, windows, memories)
    guard work.run(progress) else { return nil }
    self.spaces = spaces
    self.memories = memories
    self.extents = extents
    self.comparisons = work.parts
    self.windows = windows
    parts = work.partOfSpace
    isComplete = work.parts.allSatisfy { $0.allSatisfy(\.isComplete) }
    missingTables = work.missingTables
    comparedPairs = work.comparedPairs
  }

  /// What kinds of changes there are between two addresses (both inclusive) of a space: quickly told, as nothing is
  /// walked that lies between them as a whole.
  ///
  /// Kinds may be too many, never too few, of what was compared: rights count as changed where the path above forbids
  /// to use them, and a huge page that was split, or joined, counts as `bits` whatever else became of it.
  ///
  /// - Parameter number: that of the space, in the order given.
  public func kinds(
    ofSpace number: Int, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil
  ) -> ChangeKinds {
    var kinds: ChangeKinds = []
    for window in windows[number] {
      guard let bounds = window.window.offsets(from: first, through: last) else { continue }
      var walk = ChangeWalk(
        comparisons[parts[number]][window.comparison], memories, bounds: bounds, sink: KindSink(kinds: kinds))
      walk.run(window.old, window.new, besides: nil)
      kinds = walk.sink.kinds
    }
    return kinds
  }

  /// Calls `body` with what changed between two addresses (both inclusive) of a space, in ascending address, with
  /// equal changes of neighbouring pages joined: contiguous in virtual addresses, and in frames where there are any.
  /// Ranges that cross the bounds are clipped.
  ///
  /// - Parameters:
  ///   - number: that of the space, in the order given.
  ///   - companion: the number of another space. What that space has at the same addresses, before and now, is left
  ///     out: with the kernel's own space, what all spaces have of the kernel.
  ///   - body: returns whether to continue.
  /// - Returns: whether the walk reached its end. In hostile memory it can be very long; one that finds nothing for too
  ///   long ends.
  @discardableResult
  public func forEachChange(
    ofSpace number: Int, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil,
    besides companion: Int? = nil, _ body: (ChangedRange) -> Bool
  ) -> Bool {
    withoutActuallyEscaping(body) { body in
      for window in windows[number] {
        guard let bounds = window.window.offsets(from: first, through: last) else { continue }
        let sink = ChangedRangeSink(
          window: window.window, number: window.number,
          extents: extents, body: body)
        var walk = ChangeWalk(
          comparisons[parts[number]][window.comparison], memories, bounds: bounds, sink: sink)
        let other = companion.flatMap { companion in
          windows[companion].first { $0.comparison == window.comparison && $0.covers(window) }
        }
        walk.run(
          window.old, window.new,
          besides: other.map { ChangeWalk.Companion(old: $0.old, new: $0.new) })
        guard walk.isComplete, walk.sink.flush() else { return false }
      }
      return true
    }
  }

  /// The first changes of a space, at most `limit`; see `forEachChange`.
  public func changes(
    ofSpace number: Int, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil,
    besides companion: Int? = nil, limit: Int = .max
  ) -> [ChangedRange] {
    var changes: [ChangedRange] = []
    guard limit > 0 else { return [] }
    forEachChange(ofSpace: number, from: first, through: last, besides: companion) { change in
      changes.append(change)
      return changes.count < limit
    }
    return changes
  }
}

/// A window of a space at both moments.
struct PairedWindow: Sendable {
  /// The comparison that reads tables as this window does, by number.
  let comparison: Int
  /// The window's number in its space.
  let number: Int
  /// The window itself, for its addresses.
  let window: AddressWindow
  let old: ComparedPlace
  let new: ComparedPlace

  /// Whether it translates the same addresses.
  func covers(_ other: PairedWindow) -> Bool { window.first == other.window.first }

  /// - Parameter comparison: the number of the comparison of two schemes.
  static func all(
    of pair: SpacePair, comparison: (PagingScheme, PagingScheme) -> Int
  ) -> [PairedWindow] {
    func root(_ window: AddressWindow) -> ComparedPlace { .table(window.rootTable.address, .all) }
    if pair.isComparable, let old = pair.old, let new = pair.new {
      return zip(old.windows, new.windows).enumerated().map { number, windows in
        PairedWindow(
          comparison: comparison(windows.0.scheme, windows.1.scheme), number: number, window: windows.1,
          old: root(windows.0), new: root(windows.1))
      }
    }
    let olds = (pair.old?.windows ?? []).enumerated().map { number, window in
      PairedWindow(
        comparison: comparison(window.scheme, window.scheme), number: number, window: window,
        old: root(window), new: .nothing)
    }
    let news = (pair.new?.windows ?? []).enumerated().map { number, window in
      PairedWindow(
        comparison: comparison(window.scheme, window.scheme), number: number, window: window,
        old: .nothing, new: root(window))
    }
    return olds + news
  }
}
