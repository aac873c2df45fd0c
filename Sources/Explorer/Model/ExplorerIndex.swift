import Guests
import PageTables

/// What indexing all spaces found, ready to be shown: made in the background, handed over in one event.
public struct ExplorerIndex: Sendable {
  /// A place in it is a place in the list of spaces that it was made from.
  let spaces: SpaceIndex
  /// Every space reference, and the place of the space that has it.
  let references: [(place: Int, mapping: SpaceReferenceMapping)]
  let mirrors: [Mirror]
  let findings: [Finding]
  /// Whether they are all: hostile tables hold more than anybody could list.
  let hasAllMirrors: Bool
  let hasAllFindings: Bool
  /// There, all that is writable is executable, and no finding says so.
  let schemesWithoutNoExecute: [PagingScheme]
  /// Distinct tables, and how many of them more than one space reaches.
  let tables: (all: Int, shared: Int)
  private let mirrored: AddressIntervals
  /// By place; those that several spaces have stand under -1.
  private let found: [Int: AddressIntervals]

  /// References that are listed at most: hostile tables hold more than anybody could read.
  private static let referenceLimit = 1 << 20

  /// Reads every table that the spaces reach.
  ///
  /// - Parameters:
  ///   - stale: places of spaces that most likely ended: what they map is no mirror of anything.
  ///   - progress: gets the part that is done, 0 to 1; answering false ends the work with nil.
  public init?(
    _ spaces: [AddressSpace], stale: Set<Int> = [], memory: any PhysicalMemory,
    progress: (Double) -> Bool = { _ in true }
  ) {
    guard let index = SpaceIndex(spaces, memory: memory, progress: { progress($0 * 0.7) }) else { return nil }
    self.spaces = index
    tables = (index.tableCount, index.sharedTableCount)
    guard let references = Self.references(spaces, memory, isCancelled: { !progress(0.75) }) else {
      return nil
    }
    self.references = references
    let foundMirrors = Mirrors(of: index, in: memory, isWanted: stale.isEmpty ? nil : { !stale.contains($0) })
    mirrors = foundMirrors.all
    hasAllMirrors = foundMirrors.isComplete
    guard progress(0.9) else { return nil }
    let look = Findings(of: index, in: memory, kernelStart: \.usualKernelStart)
    findings = look.all
    hasAllFindings = look.isComplete
    schemesWithoutNoExecute = look.schemesWithoutNoExecute
    guard progress(1) else { return nil }
    mirrored = AddressIntervals(mirrors.map { ($0.kernelVA, $0.length) })
    found = Dictionary(grouping: findings) { $0.spaces > 1 ? -1 : $0.place }.mapValues { findings in
      AddressIntervals(findings.map { ($0.virtual, $0.length) })
    }
  }

  private static func references(
    _ spaces: [AddressSpace], _ memory: any PhysicalMemory, isCancelled: () -> Bool
  ) -> [(place: Int, mapping: SpaceReferenceMapping)]? {
    var found: [(place: Int, mapping: SpaceReferenceMapping)] = []
    var isStopped = false
    _ = forEachSpaceItem(
      of: spaces, in: memory,
      isCancelled: {
        isStopped = isStopped || isCancelled()
        return isStopped
      }
    ) { place, item in
      if case .reference(let mapping, _, _) = item { found.append((place, mapping)) }
      return found.count < referenceLimit
    }
    return isStopped ? nil : found.sorted { $0.place < $1.place }
  }

  /// Whether a stretch of kernel memory holds frames that user space also maps.
  func hasMirror(from start: VirtualAddress, length: UInt64) -> Bool {
    mirrored.overlap(start, length)
  }

  /// Whether a check found something in a stretch of a space.
  func hasFinding(place: Int, from start: VirtualAddress, length: UInt64) -> Bool {
    found[place]?.overlap(start, length) == true || found[-1]?.overlap(start, length) == true
  }
}

/// Stretches of addresses, to be asked whether one of them touches another stretch.
struct AddressIntervals: Sendable {
  private let starts: [UInt64]
  /// The last address of this stretch and all before it.
  private let lasts: [UInt64]

  init(_ stretches: [(VirtualAddress, UInt64)]) {
    let sorted = stretches.filter { $0.1 > 0 }.sorted { $0.0 < $1.0 }
    starts = sorted.map(\.0.value)
    var highest: UInt64 = 0
    lasts = sorted.map { start, length in
      let (last, overflow) = start.value.addingReportingOverflow(length - 1)
      highest = max(highest, overflow ? .max : last)
      return highest
    }
  }

  func overlap(_ start: VirtualAddress, _ length: UInt64) -> Bool {
    guard length > 0 else { return false }
    let (sum, overflow) = start.value.addingReportingOverflow(length - 1)
    let last = overflow ? UInt64.max : sum
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= last { low = middle + 1 } else { high = middle }
    }
    return low > 0 && lasts[low - 1] >= start.value
  }
}
