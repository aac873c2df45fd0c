import MemoryImages
import PageTables

/// The search for roots when none is known: pages that look like roots and agree with each other.
struct RootSurvey {
  let image: MemoryImage
  let schemes: [PagingScheme]

  /// Groups of equal last entries that are looked at closely, the largest first.
  private static let groupsExamined = 32
  /// Pages that agree with each other, from which on a good direct map settles it.
  private static let convincingCount = 4
  /// Different last entries that are kept in mind: a bound, not a choice that anything depends on.
  private static let groupLimit = 1 << 20

  private struct Group {
    var count = 0
    var example: PhysicalAddress
  }

  /// A root that is convincing, with its scheme; nil when there is none or `progress` stopped the search.
  func run(_ progress: @escaping (Double) -> Bool) -> (root: PhysicalAddress, scheme: PagingScheme)? {
    let shapes = schemes.map(RootShape.init)
    let probes = shapes.map(RootProbe.init)
    let physical = image.memory.extent.physical
    var groups = [[UInt64: Group]](repeating: [:], count: shapes.count)
    let pass = MemoryPass(memory: image.memory) { progress($0 / 2) }
    let finished = pass.forEachPage { address, page in
      for index in probes.indices {
        let probe = probes[index]
        var offset = 0
        while let found = probe.next(in: page, from: &offset) {
          let target = probe.tableAddress.address(in: found.raw)
          guard target.value != 0, physical.contains(target),
            isPlausible(page, found.offset, shapes[index], physical)
          else { continue }
          let key = found.raw & ~shapes[index].changing
          if groups[index][key] != nil {
            groups[index][key]?.count += 1
          } else if groups[index].count < RootSurvey.groupLimit {
            groups[index][key] = Group(count: 1, example: address.advanced(by: UInt64(found.offset)))
          }
        }
      }
    }
    guard finished else { return nil }
    return mostConvincing(groups, shapes)
  }

  /// Whether every entry is absent, or well-formed and inside the machine's memory; software marks are allowed
  /// in small roots only, where a free list may have run over one of a group.
  private func isPlausible(_ page: RawSpan, _ offset: Int, _ shape: RootShape, _ physical: PhysicalRanges)
    -> Bool
  {
    for slot in 0..<shape.kernelSlots.upperBound {
      let raw = shape.entry(slot, in: page, at: offset)
      if raw == 0 { continue }
      switch shape.format.kind(of: raw) {
      case .absent, .leaf: continue
      case .marked: if shape.size == Int(Frame.size) { return false }
      case .malformed: return false
      case .table: if !physical.contains(shape.format.tableAddress.address(in: raw)) { return false }
      }
    }
    return true
  }

  private func mostConvincing(
    _ groups: [[UInt64: Group]], _ shapes: [RootShape]
  ) -> (root: PhysicalAddress, scheme: PagingScheme)? {
    var candidates: [(group: Group, shape: RootShape)] = []
    for (shape, groups) in zip(shapes, groups) {
      let largest = groups.values
        .sorted { ($0.count, $1.example) > ($1.count, $0.example) }
        .prefix(RootSurvey.groupsExamined)
      candidates += largest.map { ($0, shape) }
    }
    var best: (root: PhysicalAddress, scheme: PagingScheme, judgement: RootJudgement)?
    for (group, shape) in candidates.sorted(by: { $0.group.count > $1.group.count })
    where childrenAreTables(of: group.example, shape) {
      let space = AddressSpace(name: "", root: group.example, scheme: shape.scheme)
      guard let map = DirectMap(of: space, in: image.memory), map.confidence(in: image.memory) >= 0.5 else {
        continue
      }
      let judgement = RootJudgement(space, in: image.memory)
      // So many pages that agree, and a map of all memory: no need to look at less.
      if group.count >= RootSurvey.convincingCount, judgement.confidence >= 0.95 {
        return (group.example, shape.scheme)
      }
      if let best, judgement <= best.judgement { continue }
      best = (group.example, shape.scheme, judgement)
    }
    return best.map { ($0.root, $0.scheme) }
  }

  /// Whether what the kernel's entries point at has no malformed entry: cheap to see, and pages that are taken
  /// for roots by mistake rarely get past it.
  private func childrenAreTables(of root: PhysicalAddress, _ shape: RootShape) -> Bool {
    guard let entries = shape.entries(at: root, in: image.memory) else { return false }
    let level = shape.scheme.levels[1]
    let format = level.format
    let count = min(level.entryCount, Int(Frame.size) / format.entrySize)
    var seen: UInt64 = 0
    return shape.kernelSlots.allSatisfy { slot in
      let raw = entries[slot]
      // Neighbours often point at one table.
      guard raw != seen, shape.format.kind(of: raw) == .table else { return true }
      seen = raw
      let child = shape.format.tableAddress.address(in: raw)
      let isSound = try? image.memory.withPage(at: child) { page in
        guard page.byteCount == Int(Frame.size) else { return false }
        for entry in 0..<count {
          let raw = page.entry(at: entry &* format.entrySize, size: format.entrySize)
          if raw != 0, format.kind(of: raw) == .malformed { return false }
        }
        return true
      }
      return isSound == true
    }
  }
}

/// The first look at bytes that could be a root: is the last entry one that points at a table? Plain values, for
/// it is asked for every line of memory where roots are small.
private struct RootProbe {
  let tableAddress: AddressFormat
  private let present: BitTest
  private let reserved: UInt64
  private let entrySize: Int
  /// Bytes from a root to its last entry.
  private let lastEntry: Int
  private let size: Int
  private let step: Int
  private let format: EntryFormat

  init(_ shape: RootShape) {
    format = shape.format
    tableAddress = shape.format.tableAddress
    present = shape.format.present
    reserved = shape.format.tableReserved
    entrySize = shape.format.entrySize
    size = shape.size
    lastEntry = shape.size - shape.format.entrySize
    step = Int(shape.scheme.rootAlignment)
  }

  /// The next place in a page of 4096 bytes whose last entry points at a table; `offset` moves behind it.
  @inline(__always)
  func next(in page: RawSpan, from offset: inout Int) -> (offset: Int, raw: UInt64)? {
    while offset &+ size <= Int(Frame.size) {
      let here = offset
      offset &+= step
      let raw = page.entry(at: here &+ lastEntry, size: entrySize)
      guard raw & present.mask == present.value, raw & reserved == 0, format.kind(of: raw) == .table else {
        continue
      }
      return (here, raw)
    }
    return nil
  }
}
