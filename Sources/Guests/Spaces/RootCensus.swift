import MemoryImages
import PageTables

/// The search for roots when no root is known and roots do not agree in any entry: finds pages that read as whole
/// trees of tables, and that give access to their own tables, which a kernel needs to change them: by a linear map
/// or by a recursive slot.
struct RootCensus {
  let image: MemoryImage
  let shapes: [RootShape]

  /// The most pages per scheme that are examined beyond their own entries.
  private static let candidateLimit = 1 << 12
  /// The most entries visited below one page, and in total: hostile tables never end.
  private static let lookLimit: UInt64 = 1 << 17
  private static let effort: UInt64 = 1 << 28
  /// The most tables of a candidate that are looked up in its linear map.
  private static let tablesAsked = 64
  /// The most roots for which the number of similar roots is counted.
  private static let examplesTried = 16

  /// The number of single pages for devices that a kernel may map.
  private static let usualDevices: UInt64 = 8

  private struct Candidate {
    let space: AddressSpace
    let strays: UInt64
    let covered: UInt64
    let isRecursive: Bool

    /// Whether it, with `count` similar roots, is a better reference than another candidate.
    func isBetter(_ count: Int, than other: Candidate, _ otherCount: Int) -> Bool {
      if count != otherCount { return count > otherCount }
      return strays != other.strays ? strays < other.strays : covered > other.covered
    }
  }

  /// A root, and how many roots map the same.
  struct Result {
    let space: AddressSpace
    let count: Int
    /// Bytes of memory covered by its linear map.
    let covered: UInt64
  }

  /// The root that is similar to most others; nil where there is none or the pass was stopped.
  func run(_ pass: MemoryPass) -> Result? {
    guard let pages = candidates(pass) else { return nil }
    var budget = RootCensus.effort
    var all: [Candidate] = []
    for (shape, roots) in zip(shapes, pages) {
      for root in roots where budget > 0 {
        guard pass.progress(1) else { return nil }
        if let found = candidate(AddressSpace(name: "", root: root, scheme: shape.scheme), &budget) {
          all.append(found)
        }
      }
    }
    let candidates = withoutTables(all)
    var best: (candidate: Candidate, count: Int)?
    for scheme in shapes.map(\.scheme) {
      let same = candidates.filter { $0.space.scheme == scheme }
      // Many of them may be of one kind, which a few samples over all of them will find.
      let step = max(same.count / RootCensus.examplesTried, 1)
      for index in stride(from: 0, to: same.count, by: step) {
        let candidate = same[index]
        guard let landmarks = Landmarks(sampling: candidate.space, from: nil, image.memory) else { continue }
        let count = same.count { landmarks.hold(in: $0.space.root, image.memory) }
        if let best, !candidate.isBetter(count, than: best.candidate, best.count) { continue }
        best = (candidate, count)
      }
    }
    return best.map { Result(space: $0.candidate.space, count: $0.count, covered: $0.candidate.covered) }
  }

  /// For each shape, pages whose entries, and those of the tables that they point at, are possible for a root.
  private func candidates(_ pass: MemoryPass) -> [[PhysicalAddress]]? {
    let physical = image.memory.extent.physical
    var found = [[PhysicalAddress]](repeating: [], count: shapes.count)
    var budget = RootCensus.effort
    let finished = pass.forEachPage { address, page in
      guard !page.isBlank else { return }
      for index in shapes.indices where found[index].count < RootCensus.candidateLimit {
        let shape = shapes[index]
        func look(at root: PhysicalAddress) {
          if shape.everyChildIsTable(of: root, physical, in: image.memory, &budget) {
            found[index].append(root)
          }
        }
        if !shape.fitsPage {
          if let entries = shape.entries(at: address, in: image.memory), shape.isPlausible(entries, physical)
          {
            look(at: address)
          }
          continue
        }
        let step = Int(shape.scheme.rootAlignment)
        for offset in stride(from: 0, through: Int(Frame.size) - shape.size, by: step)
        where shape.isPlausible(page, offset, physical) {
          look(at: address.advanced(by: UInt64(offset)))
        }
      }
    }
    return finished ? found : nil
  }

  /// Examines a page: its whole tree must be readable and must reach the root itself, by a slot that points back at
  /// it or through a linear map that contains all its tables; nil if it does not.
  private func candidate(_ space: AddressSpace, _ budget: inout UInt64) -> Candidate? {
    let selfReference = SelfReference(space, in: image.memory)
    guard !selfReference.isLinear, budget > 0 else { return nil }
    var leaves: UInt64 = 0
    var looks: UInt64 = 0
    var strays = StrayLeaves(image.memory.extent.physical)
    let summary = space.forEachLeafAndMark(
      in: image.memory,
      leaf: { leaf in
        leaves += 1
        looks += 1
        strays.add(leaf)
        return looks < RootCensus.lookLimit
      },
      mark: { _ in
        looks += 1
        return looks < RootCensus.lookLimit
      })
    budget -= min(looks, budget)
    guard leaves > 0, summary.malformedEntries == 0, summary.missingTables == 0,
      strays.count <= RootCensus.usualDevices + leaves / 64
    else { return nil }
    let map = DirectMap(ofAll: space, in: image.memory)
    let candidate = Candidate(
      space: space, strays: strays.count, covered: map?.bytes ?? 0, isRecursive: !selfReference.slots.isEmpty)
    if candidate.isRecursive { return candidate }
    guard let map, map.maps(space.root, in: image.memory),
      let graph = TableGraph(
        roots: [space.root], scheme: space.scheme, memory: image.memory,
        progress: { read, _ in read < RootCensus.candidateLimit })
    else { return nil }
    // Each of its tables counts as a page of entries visited.
    budget -= min(UInt64(graph.count) << 9, budget)
    let asked = Array(stride(from: 0, to: graph.count, by: max(graph.count / RootCensus.tablesAsked, 1)))
    let mapped = asked.count { map.maps(graph.table($0).address, in: image.memory) }
    return mapped * 10 >= asked.count * 9 ? candidate : nil
  }

  /// Leaves out candidates that another one reaches as a table, unless they point back at themselves: each part of
  /// a readable tree is itself a readable tree.
  private func withoutTables(_ candidates: [Candidate]) -> [Candidate] {
    let roots = Set(candidates.map(\.space.root.frame))
    var reached: Set<Frame> = []
    for scheme in shapes.map(\.scheme) {
      let members = candidates.filter { $0.space.scheme == scheme }.map(\.space.root)
      reached.formUnion(TablesBelow(of: members, scheme, image.memory).frames(among: roots))
    }
    return candidates.filter {
      !reached.contains($0.space.root.frame) || $0.isRecursive
    }
  }
}

extension RootShape {
  /// Whether everything that the entries point at could be tables, at least one of which is not empty.
  ///
  /// - Parameter budget: how many more entries may be visited; reduced by those visited.
  fileprivate func everyChildIsTable(
    of root: PhysicalAddress, _ physical: PhysicalRanges, in memory: any PhysicalMemory,
    _ budget: inout UInt64
  ) -> Bool {
    guard budget > 0, let entries = entries(at: root, in: memory) else { return false }
    var leads = entries.contains { $0 != 0 && format.kind(of: $0) == .leaf }
    // The root of a scheme of one level leads to pages alone.
    guard scheme.levels.count > 1 else { return leads }
    let below = scheme.levels[1]
    var seen: UInt64 = 0
    let areSound = entries.allSatisfy { raw in
      guard raw != seen, format.kind(of: raw) == .table else { return true }
      seen = raw
      budget -= min(UInt64(below.entryCount), budget)
      return entriesOfChild(raw, in: memory) { raw, kind in
        switch kind {
        case .malformed: return false
        case .table:
          if !physical.contains(below.format.tableAddress.address(in: raw)) { return false }
          leads = true
        case .leaf: leads = true
        case .absent, .marked: break
        }
        return true
      }
    }
    return areSound && leads
  }
}

extension RawSpan {
  /// Whether a page is all zeroes.
  fileprivate var isBlank: Bool {
    for offset in stride(from: 0, to: byteCount & ~7, by: 8) where entry(at: offset, size: 8) != 0 {
      return false
    }
    return true
  }
}
