import MemoryImages
import PageTables

/// The search for roots when none is known: finds pages that look like roots and agree with each other, read by
/// each possible scheme.
struct RootSurvey {
  let image: MemoryImage
  let schemes: [PagingScheme]
  /// Where the kernel begins, if the person gave that.
  let kernelStart: VirtualAddress?

  /// A convincing root, with which others are to be compared.
  struct Found {
    let space: AddressSpace
    let shape: RootShape
    let scan: RootScan
  }

  /// The most groups of equal last entries that are examined closely, beginning with the largest.
  private static let groupsExamined = 32
  /// The number of agreeing pages from which on a good direct map is decisive.
  private static let convincingCount = 4
  /// The most different last entries remembered: only a bound on memory, which no result depends on.
  private static let groupLimit = 1 << 20

  private struct Group {
    var count = 0
    var example: PhysicalAddress
  }

  /// The best root of one scheme.
  private struct Candidate {
    let space: AddressSpace
    let judgement: RootJudgement
    let count: Int

    var isConvincing: Bool {
      count >= RootSurvey.convincingCount && judgement.confidence >= 0.95 && judgement.faults == 0
    }
  }

  /// The most convincing root; nil when there is none or `progress` stopped the search.
  func run(_ progress: @escaping (Double) -> Bool) -> Found? {
    let shapes = schemes.map { scheme in
      RootShape(scheme, kernelStart: kernelStart.map { scheme.canonical($0.value) })
    }
    guard let groups = groups(shapes, MemoryPass(memory: image.memory) { progress($0 / 2) }) else {
      return nil
    }
    let best = mostConvincing(zip(shapes, groups).compactMap { self.best(of: $1, $0) })
    if let best, best.isConvincing { return found(best.space) }
    // Roots may not agree in any entry, nor have a last one.
    let census = RootCensus(image: image, shapes: shapes)
    guard let counted = census.run(MemoryPass(memory: image.memory) { progress(0.5 + $0 / 2) }) else {
      return progress(1) ? best.flatMap { found($0.space) } : nil
    }
    if let best, isBetter(best, than: counted) { return found(best.space) }
    return found(counted.space)
  }

  /// Whether the best root is better than the census's one: if both have equally many similar roots, the one that
  /// maps more memory wins. Where part of the memory is missing, or has moved, few roots are complete, and a page
  /// of entries can be read in more than one way.
  private func isBetter(_ best: Candidate, than counted: RootCensus.Result) -> Bool {
    guard best.judgement.faults == 0, best.count >= counted.count else { return false }
    guard best.count == counted.count else { return true }
    let start = kernelStart.map { best.space.scheme.canonical($0.value) }
    let map = DirectMap(of: best.space, from: start, in: image.memory)
    return map.map { $0.bytes > counted.covered } == true
  }

  private func found(_ space: AddressSpace) -> Found? {
    let start =
      kernelStart.map { space.scheme.canonical($0.value) }
      ?? KernelStart.find(in: space, landmarks: [], image.memory)
    let shape = RootShape(space.scheme, kernelStart: start)
    let landmarks = Landmarks(sampling: space, from: nil, image.memory).map { [$0] } ?? []
    return RootScan(shape, root: space.root, landmarks: landmarks, in: image.memory).map {
      Found(space: space, shape: shape, scan: $0)
    }
  }

  /// Pages that could be roots, grouped by their last entry; nil where `pass` was stopped.
  private func groups(_ shapes: [RootShape], _ pass: MemoryPass) -> [[UInt64: Group]]? {
    let probes = shapes.map(RootProbe.init)
    let physical = image.memory.extent.physical
    var groups = [[UInt64: Group]](repeating: [:], count: shapes.count)
    let finished = pass.forEachPage { address, page in
      for index in probes.indices {
        let probe = probes[index]
        func add(_ last: UInt64, _ root: PhysicalAddress, isPlausible: () -> Bool) {
          let target = probe.tableAddress.address(in: last)
          guard shapes[index].format.kind(of: last) == .table, target.value != 0, physical.contains(target),
            isPlausible()
          else { return }
          let key = last & ~shapes[index].changing
          if groups[index][key] != nil {
            groups[index][key]?.count += 1
          } else if groups[index].count < RootSurvey.groupLimit {
            groups[index][key] = Group(count: 1, example: root)
          }
        }
        if !shapes[index].fitsPage {
          if let entries = shapes[index].entries(at: address, in: image.memory), let last = entries.last {
            add(last, address) { shapes[index].isPlausible(entries, physical) }
          }
          continue
        }
        var offset = 0
        while let found = probe.next(in: page, from: &offset) {
          add(found.raw, address.advanced(by: UInt64(found.offset))) {
            shapes[index].isPlausible(page, found.offset, physical)
          }
        }
      }
    }
    return finished ? groups : nil
  }

  private func best(of groups: [UInt64: Group], _ shape: RootShape) -> Candidate? {
    let largest = groups.values.sorted { ($0.count, $1.example) > ($1.count, $0.example) }
      .prefix(RootSurvey.groupsExamined)
    var best: Candidate?
    for group in largest where shape.childrenAreTables(of: group.example, in: image.memory) {
      let space = AddressSpace(name: "", root: group.example, scheme: shape.scheme)
      guard !SelfReference(space, in: image.memory).isLinear,
        let map = DirectMap(of: space, from: shape.firstKernelAddress, in: image.memory),
        map.confidence(in: image.memory) >= 0.5
      else { continue }
      let candidate = Candidate(
        space: space, judgement: RootJudgement(space, from: shape.firstKernelAddress, in: image.memory),
        count: group.count)
      // Enough pages agree, and there is a map of all memory: no need to examine smaller groups.
      if candidate.isConvincing { return candidate }
      if let best, candidate.judgement <= best.judgement { continue }
      best = candidate
    }
    return best
  }

  /// The best of the roots of all schemes. A structure may also be partly readable in a wrong scheme: a directory
  /// of large pages misread as one of larger pages maps all memory, too, but is full of faults.
  private func mostConvincing(_ candidates: [Candidate]) -> Candidate? {
    candidates.max { one, other in
      if one.isConvincing != other.isConvincing { return other.isConvincing }
      if (one.judgement.faults == 0) != (other.judgement.faults == 0) { return other.judgement.faults == 0 }
      if one.judgement.confidence != other.judgement.confidence { return one.judgement < other.judgement }
      return (one.count, -Int64(clamping: one.judgement.oddities))
        < (other.count, -Int64(clamping: other.judgement.oddities))
    }
  }
}

/// The first test of bytes that could be a root: is the last entry present, without a bit that an entry for a table
/// must not have? Few words, as it runs for every line of memory where roots are small, and is copied for every page.
private struct RootProbe {
  let tableAddress: AddressFormat
  private let present: BitTest
  private let reserved: UInt64
  private let entrySize: Int
  /// Bytes from a root to its last entry.
  private let lastEntry: Int
  private let size: Int
  private let step: Int

  init(_ shape: RootShape) {
    tableAddress = shape.format.tableAddress
    present = shape.format.present
    reserved = shape.format.tableReserved
    entrySize = shape.format.entrySize
    size = shape.size
    lastEntry = shape.size - shape.format.entrySize
    step = Int(shape.scheme.rootAlignment)
  }

  /// The next place in a page of 4096 bytes whose last entry passes; `offset` advances past it.
  @inline(__always)
  func next(in page: RawSpan, from offset: inout Int) -> (offset: Int, raw: UInt64)? {
    while offset &+ size <= Int(Frame.size) {
      let here = offset
      offset &+= step
      let raw = page.entry(at: here &+ lastEntry, size: entrySize)
      guard present.matches(raw), raw & reserved == 0 else { continue }
      return (here, raw)
    }
    return nil
  }
}
