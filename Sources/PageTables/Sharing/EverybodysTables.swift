/// What all spaces have in common: the tables of the kernel's half, as far as every space that has such a half
/// reaches them. What some spaces share beyond that is a particular share.
///
/// A space that lacks a quarter of what the majority has, such as one that was used to boot, has no such half and is
/// not asked.
/// Under page-table isolation the user copies have a kernel half of their own, which they share among themselves.
public struct EverybodysTables: Sendable {
  /// What is known of the tables of one paging scheme.
  private struct Group: Sendable {
    /// By node: whether everybody reaches the table.
    var isEverybodys: [Bool]
    /// By node: whether neither the table nor one below it has a leaf.
    let mapsNothing: [Bool]
    /// By slot of the root: the frame that a leaf there maps for everybody.
    var rootLeaves: [Int: PhysicalAddress] = [:]
  }

  private let index: SpaceIndex
  private var groups: [Group] = []
  /// How many distinct tables everybody has.
  public private(set) var count = 0

  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the addresses begins, by scheme; only tables in it are everybody's.
  ///   - isAsked: whether the space of a given number is one of those that make up everybody; leftovers and roots
  ///     for a special purpose are not.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, kernelStart: (PagingScheme) -> VirtualAddress,
    isAsked: (_ spaceNumber: Int) -> Bool = { _ in true }
  ) {
    self.index = index
    for group in index.groups {
      let graph = group.graph
      let isKernels = group.isInKernelHalf(kernelStart(graph.scheme))
      var result = Group(
        isEverybodys: [Bool](repeating: false, count: graph.count),
        mapsNothing: graph.leavesBelow().map { $0 == 0 })
      for isCopy in [false, true] {
        let asked = graph.roots.indices.map { member in
          let number = group.spaceNumbers[member]
          return (index.copies[number] != nil) == isCopy && isAsked(number)
        }
        guard let common = Majority(graph, isKernels, asked: asked) else { continue }
        for node in 0..<graph.count where isKernels[node] && common.isReachedByAll(node) {
          result.isEverybodys[node] = true
        }
        if !isCopy { result.rootLeaves = group.commonLeaves(of: common.members, kernelStart, memory) }
      }
      count += result.isEverybodys.count { $0 }
      groups.append(result)
    }
  }

  /// Whether everybody reaches a table, read by the scheme of the given window of a space.
  public func contains(_ table: TableReference, in spaceNumber: Int, window: Int) -> Bool {
    node(of: table, spaceNumber, window).map { groups[$0.group].isEverybodys[$0.node] } ?? false
  }

  /// Whether everybody's root maps this frame by a leaf in this slot.
  public func containsLeaf(
    slot: Int, mapping frame: PhysicalAddress, in spaceNumber: Int, window: Int
  ) -> Bool {
    guard index.positions.indices.contains(spaceNumber),
      index.positions[spaceNumber].indices.contains(window)
    else { return false }
    return groups[index.positions[spaceNumber][window].group].rootLeaves[slot] == frame
  }

  /// Whether neither the table nor one below it has a leaf.
  public func mapsNothing(_ table: TableReference, in spaceNumber: Int, window: Int) -> Bool {
    node(of: table, spaceNumber, window).map { groups[$0.group].mapsNothing[$0.node] } ?? false
  }

  func contains(_ node: TableGraph.Node, ofGroup group: Int) -> Bool { groups[group].isEverybodys[node] }

  private func node(
    of table: TableReference, _ spaceNumber: Int, _ window: Int
  ) -> (group: Int, node: TableGraph.Node)? {
    guard let indexed = index.group(of: spaceNumber, window: window),
      let node = indexed.graph.node(of: table)
    else { return nil }
    return (index.positions[spaceNumber][window].group, node)
  }
}

/// The spaces that have nearly all tables that most spaces have, and which tables all of these reach.
private struct Majority {
  /// Members of the graph.
  let members: [Int]
  private let spaces: Int
  private let reached: [UInt32]

  /// Nil where fewer than two spaces have anything in common.
  init?(_ graph: TableGraph, _ isKernels: [Bool], asked: [Bool]) {
    let all = Set(graph.roots.indices.filter { asked[$0] }.map { graph.memberSpaces[$0] }).count
    guard all > 1 else { return nil }
    let counts = Majority.spacesReaching(graph) { asked[$0] }
    let common = (0..<graph.count).filter { isKernels[$0] && 2 * Int(counts[$0]) > all }
    guard !common.isEmpty else { return nil }
    var spaces: Set<Int> = []
    graph.forEachRootBatch({ asked[$0] }) { batch, reached in
      var has = [Int](repeating: 0, count: batch.count)
      for node in common {
        var bits = reached[node]
        while bits != 0 {
          has[bits.trailingZeroBitCount] += 1
          bits &= bits &- 1
        }
      }
      for (bit, roots) in batch.enumerated() where 4 * has[bit] >= 3 * common.count {
        spaces.formUnion(roots.members.map { graph.memberSpaces[$0] })
      }
    }
    guard spaces.count > 1 else { return nil }
    members = graph.roots.indices.filter { asked[$0] && spaces.contains(graph.memberSpaces[$0]) }
    self.spaces = spaces.count
    let isMember = Set(members)
    reached = Majority.spacesReaching(graph) { isMember.contains($0) }
  }

  func isReachedByAll(_ node: TableGraph.Node) -> Bool { reached[node] == spaces }

  private static func spacesReaching(
    _ graph: TableGraph, _ isWanted: (_ member: Int) -> Bool
  ) -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: graph.count)
    graph.forEachRootBatch(isWanted) { batch, reached in
      let weights = batch.map { UInt32(truncatingIfNeeded: $0.members.count) }
      for node in reached.indices {
        var bits = reached[node]
        while bits != 0 {
          counts[node] &+= weights[bits.trailingZeroBitCount]
          bits &= bits &- 1
        }
      }
    }
    return counts
  }
}

extension IndexedSpaces {
  /// By node: whether its owner has the table in the kernel's part of its addresses.
  func isInKernelHalf(_ kernelStart: VirtualAddress) -> [Bool] {
    var bases = [UInt64](repeating: 0, count: graph.count)
    var result = [Bool](repeating: false, count: graph.count)
    for node in 0..<graph.count where counts.isReached(node) {
      if counts.firstEdges[node] != TableCounts.none {
        let edge = Int(counts.firstEdges[node])
        let parent = graph.source(of: edge)
        let shift = UInt64(graph.scheme.levels[graph.level(of: parent)].shift)
        bases[node] = bases[parent] &+ UInt64(graph.edgeEntries[edge].slot) &<< shift
      }
      result[node] = graph.virtual(bases[node], member: Int(counts.owners[node])) >= kernelStart
    }
    return result
  }

  /// The frames that leaves of the roots of all these members map in the kernel's part, by slot.
  fileprivate func commonLeaves(
    of members: [Int], _ kernelStart: (PagingScheme) -> VirtualAddress, _ memory: any PhysicalMemory
  ) -> [Int: PhysicalAddress] {
    let scheme = graph.scheme
    let start = kernelStart(scheme)
    var common: [Int: PhysicalAddress]?
    for node in Set(members.compactMap { graph.roots[$0] }) where graph.leaves(in: node) > 0 {
      let member = rootMembers[node]?.first ?? 0
      var leaves: [Int: PhysicalAddress] = [:]
      _ = try? memory.forEachEntry(of: graph.table(node), in: scheme) { slot, raw, kind in
        let address = graph.virtual(UInt64(slot) &<< UInt64(scheme.levels[0].shift), member: member)
        if kind == .leaf, address >= start {
          leaves[slot] = scheme.levels[0].frame(of: raw, slot: slot)
        }
        return true
      }
      common = common?.filter { leaves[$0.key] == $0.value } ?? leaves
    }
    return common ?? [:]
  }
}
