import PageTables

/// What the tables of a space contain for a range of its addresses.
package struct RegionContents: Hashable, Sendable {
  /// Bytes in pages of one size.
  package struct Pages: Hashable, Sendable {
    package let pageSize: UInt64
    package var bytes: UInt64
  }

  /// Present pages by size, ascending.
  package private(set) var pages: [Pages] = []
  /// Bytes covered by entries that refer to swap space, according to the guest's kernel.
  package private(set) var swapped: UInt64 = 0
  /// Bytes covered by non-present entries that keep something else: PROT_NONE, migration, a guard.
  package private(set) var marked: UInt64 = 0
  /// Entries whose table is not in the dump.
  package private(set) var missingTables: UInt64 = 0
  /// Whether everything was counted: hostile tables can map more than can be counted.
  package internal(set) var isComplete = true

  /// Bytes that the processor can reach.
  package var present: UInt64 { pages.reduce(0) { $0 &+ $1.bytes } }

  fileprivate mutating func add(_ bytes: UInt64, pageSize: UInt64) {
    if let index = pages.firstIndex(where: { $0.pageSize == pageSize }) {
      pages[index].bytes &+= bytes
    } else {
      pages.append(Pages(pageSize: pageSize, bytes: bytes))
      pages.sort { $0.pageSize < $1.pageSize }
    }
  }

  fileprivate mutating func add(marked bytes: UInt64, isSwapped: Bool) {
    if isSwapped { swapped &+= bytes } else { marked &+= bytes }
  }

  fileprivate mutating func finish(_ summary: WalkSummary) {
    missingTables = summary.missingTables
    isComplete = summary.isComplete
  }
}

/// A range of a space's addresses, with what the tables contain for it.
package struct CountedRegion: Hashable, Sendable {
  /// Nil for mapped memory outside all regions that the guest knows.
  package let region: NamedRegion?
  /// First and last byte; canonical addresses.
  package let first: VirtualAddress
  package internal(set) var last: VirtualAddress
  package internal(set) var contents: RegionContents

  /// Its length in bytes; 0 means all 2^64.
  package var length: UInt64 { last.value &- first.value &+ 1 }
}

/// Counts what the tables of a space contain for its regions, and finds what is mapped outside all of them.
package struct RegionCount {
  private let space: AddressSpace
  private let memory: any PhysicalMemory
  /// Whether a non-present entry, at a given level, refers to swap space.
  private let isSwapped: (Mark) -> Bool
  /// How many more entries, or runs of them, may be visited.
  private var effort = RegionCount.effortLimit

  /// All entries for some hundred GiB in small pages: only tables that lead back to themselves have more.
  private static let effortLimit = 1 << 26
  private static let unlistedLimit = 1 << 16

  package init(
    _ space: AddressSpace, in memory: any PhysicalMemory,
    isSwapped: @escaping (Mark) -> Bool = { _ in false }
  ) {
    self.space = space
    self.memory = memory
    self.isSwapped = isSwapped
  }

  /// For regions of a process: visits every entry.
  package mutating func contents(of region: NamedRegion) -> RegionContents {
    var contents = RegionContents()
    var effort = effort
    let summary = space.forEachLeafAndMark(
      in: memory, from: region.first, through: region.last,
      leaf: { leaf in
        let span = space.windows[leaf.window].scheme.levels[leaf.level].span
        contents.add(region.overlap(from: leaf.virtual, length: span), pageSize: span)
        effort -= 1
        return effort > 0
      },
      mark: { mark in
        let span = space.windows[mark.window].scheme.levels[mark.level].span
        contents.add(
          marked: region.overlap(from: mark.virtual, length: span), isSwapped: isSwapped(mark)
        )
        effort -= 1
        return effort > 0
      })
    self.effort = effort
    contents.finish(summary)
    return contents
  }

  /// For parts of the kernel, whose tables may repeat for terabytes: counts runs, and ignores marks.
  package mutating func contentsInRuns(of region: NamedRegion) -> RegionContents {
    var contents = RegionContents()
    let summary = forEachRun(from: region.first, through: region.last) { run, pageSize in
      contents.add(run.length, pageSize: pageSize)
      return true
    }
    contents.finish(summary)
    return contents
  }

  /// What is mapped from `first` to `last` outside the given regions, in ascending address.
  ///
  /// - Parameter regions: in ascending address; may overlap.
  package mutating func unlisted(
    outside regions: [NamedRegion], from first: VirtualAddress, through last: VirtualAddress
  ) -> [CountedRegion] {
    var found: [CountedRegion] = []
    var next = first
    for region in regions where region.last >= next {
      guard region.first <= last else { break }
      // A page in which a region begins or ends counts as part of the region.
      let start = VirtualAddress(region.first.value & ~(Frame.size - 1))
      let end = VirtualAddress(region.last.value | (Frame.size - 1))
      if start > next { addRuns(to: &found, from: next, through: VirtualAddress(start.value &- 1)) }
      guard end < last else { return found }
      next = VirtualAddress(end.value &+ 1)
    }
    addRuns(to: &found, from: next, through: last)
    return found
  }

  private mutating func addRuns(
    to found: inout [CountedRegion], from first: VirtualAddress, through last: VirtualAddress
  ) {
    _ = forEachRun(from: first, through: last) { run, pageSize in
      let end = VirtualAddress(run.end &- 1)
      if let before = found.last, before.last.value &+ 1 == run.virtual.value {
        found[found.count - 1].last = end
      } else {
        guard found.count < RegionCount.unlistedLimit else { return false }
        found.append(
          CountedRegion(region: nil, first: run.virtual, last: end, contents: RegionContents()))
      }
      found[found.count - 1].contents.add(run.length, pageSize: pageSize)
      return true
    }
  }

  private mutating func forEachRun(
    from first: VirtualAddress, through last: VirtualAddress, _ body: (MappedRange, UInt64) -> Bool
  ) -> WalkSummary {
    var effort = effort
    let summary = space.forEachRange(in: memory, from: first, through: last) { run in
      effort -= 1
      return body(run, space.windows[run.window].scheme.levels[run.level].span) && effort > 0
    }
    self.effort = effort
    return summary
  }
}

extension NamedRegion {
  /// How many of the `length` bytes from an address on lie in the region.
  fileprivate func overlap(from start: VirtualAddress, length: UInt64) -> UInt64 {
    let end = min(start.value &+ (length &- 1), last.value)
    let begin = max(start.value, first.value)
    return begin <= end ? end &- begin &+ 1 : 0
  }
}

extension AddressSpace {
  /// The regions of a space with what its tables contain for them, and what is mapped outside all regions.
  ///
  /// - Parameters:
  ///   - names: the guest's names for the space's addresses.
  ///   - user: whether to include the regions of its process.
  ///   - kernel: whether to include the parts of the kernel.
  ///   - guest: recognizes entries that refer to swap space; without it they count as marked.
  package func countedRegions(
    _ names: AddressNames, user: Bool, kernel: Bool, in memory: any PhysicalMemory, guest: LinuxGuest?
  ) -> [CountedRegion] {
    var count = RegionCount(self, in: memory) { mark in
      let scheme = windows[mark.window].scheme
      let meaning = guest?.meaning(of: mark.raw, level: mark.level, scheme: scheme, at: mark.virtual)
      return meaning?.isSwapped == true
    }
    let start = usualKernelStart
    let top = VirtualAddress(scheme.isSignExtended ? .max : scheme.levels[0].topOffset)
    var result: [CountedRegion] = []
    let users = names.userRegions
    let kernels = names.kernelRegions
    if user {
      result += users.map { region in
        CountedRegion(
          region: region, first: region.first, last: region.last, contents: count.contents(of: region))
      }
      result += count.unlisted(
        outside: users, from: VirtualAddress(0), through: VirtualAddress(start.value &- 1))
    }
    if kernel {
      result += kernels.map { region in
        CountedRegion(
          region: region, first: region.first, last: region.last, contents: count.contentsInRuns(of: region))
      }
      let all = names.regions(from: start, through: top)
      result += count.unlisted(outside: all, from: start, through: top)
    }
    return result.sorted { ($0.first, $1.last) < ($1.first, $0.last) }
  }
}

extension PagingLevel {
  /// The last offset that a table of this level translates.
  fileprivate var topOffset: UInt64 { span &* UInt64(entryCount) &- 1 }
}
