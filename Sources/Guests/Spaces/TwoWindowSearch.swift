import MemoryImages
import PageTables

/// The search for roots where the kernel has a window of its own, so that processes' roots hold nothing of it to
/// agree in. What makes them roots is that they are tables nobody points at, whose trees are sound.
struct TwoWindowSearch {
  let image: MemoryImage

  /// The roots of one scheme.
  struct Found {
    let scheme: PagingScheme
    /// The kernel's own root; nil where none maps memory as kernels do.
    var kernel: PhysicalAddress?
    /// Roots that map memory for the user, in ascending address.
    var lower: [PhysicalAddress] = []
  }

  /// The most tables remembered: only a bound on memory.
  private static let tableLimit = 1 << 20
  /// The most roots whose trees are examined, and the most leaves of each.
  private static let rootLimit = 1 << 14
  /// The most roots among which the kernel's own is looked for: few map nothing for the user.
  private static let kernelLimit = 256
  private static let leafLimit = 1 << 16
  /// What fraction of memory the kernel's direct map maps in order, at least.
  private static let leastConfidence = 0.9

  /// Tables that could be roots, and those that another one points at.
  private struct Tables {
    var roots: [PhysicalAddress] = []
    var pointedAt: Set<UInt64> = []

    var unreferenced: [PhysicalAddress] { roots.filter { !pointedAt.contains($0.value) } }
  }

  /// The roots by the scheme that the kernel's own root fits best; nil where none fits, or `progress` stopped the
  /// search.
  ///
  /// - Parameters:
  ///   - schemes: all with two windows.
  ///   - kernel: the kernel's own root, where it is known; there is one scheme then.
  func run(
    _ schemes: [PagingScheme], kernel: PhysicalAddress? = nil, _ progress: @escaping (Double) -> Bool
  ) -> Found? {
    let shapes = schemes.map { RootShape($0) }
    guard let tables = tables(shapes, MemoryPass(memory: image.memory, progress: { progress($0 * 0.9) }))
    else {
      return nil
    }
    var best: (found: Found, judgement: RootJudgement, roots: [PhysicalAddress])?
    for (shape, tables) in zip(shapes, tables) {
      guard progress(0.9) else { return nil }
      let roots = Array(tables.unreferenced.prefix(TwoWindowSearch.rootLimit))
      if let kernel, schemes.count == 1 {
        var found = Found(scheme: shape.scheme, kernel: kernel)
        found.lower = lower(roots, shape.scheme, besides: kernel)
        return found
      }
      for root in roots.lazy.filter({ mapsForKernel($0, shape.scheme) }).prefix(TwoWindowSearch.kernelLimit) {
        guard progress(0.9) else { return nil }
        let space = AddressSpace(kernel: "", root: root, scheme: shape.scheme)
        guard let map = DirectMap(of: space, in: image.memory),
          map.confidence(in: image.memory) >= TwoWindowSearch.leastConfidence
        else { continue }
        let judgement = RootJudgement(space, in: image.memory)
        // A table below the kernel's own root maps the same memory by a scheme of fewer.
        if let best {
          let isWider = shape.scheme.virtualAddressBits > best.found.scheme.virtualAddressBits
          guard
            judgement.faults < best.judgement.faults
              || (judgement.faults == best.judgement.faults
                && (isWider || judgement > best.judgement))
          else { continue }
        }
        best = (Found(scheme: shape.scheme, kernel: root), judgement, roots)
      }
    }
    guard var best, let kernel = best.found.kernel else { return nil }
    best.found.lower = lower(best.roots, best.found.scheme, besides: kernel)
    return best.found
  }

  /// Whether the first page is the supervisor's alone: a quick test for the kernel's own root.
  private func mapsForKernel(_ root: PhysicalAddress, _ scheme: PagingScheme) -> Bool {
    var isKernels = false
    _ = AddressSpace(name: "", root: root, scheme: scheme).forEachLeaf(in: image.memory) { leaf in
      isKernels = !leaf.isForUser
      return false
    }
    return isKernels
  }

  /// Those roots whose trees are sound and map something for the user.
  private func lower(
    _ roots: [PhysicalAddress], _ scheme: PagingScheme, besides kernel: PhysicalAddress
  ) -> [PhysicalAddress] {
    roots.filter { root in
      guard root != kernel else { return false }
      var leaves = 0
      var isUser = false
      let space = AddressSpace(name: "", root: root, scheme: scheme)
      let summary = space.forEachLeaf(in: image.memory) { leaf in
        leaves += 1
        isUser = isUser || leaf.isForUser
        return leaves < TwoWindowSearch.leafLimit
      }
      return isUser && summary.malformedEntries == 0 && summary.missingTables == 0
    }
  }

  private func tables(_ shapes: [RootShape], _ pass: MemoryPass) -> [Tables]? {
    let physical = image.memory.extent.physical
    var result = [Tables](repeating: Tables(), count: shapes.count)
    let accessed = shapes.map(\.accessedPage)
    let finished = pass.forEachPage { address, page in
      for (index, shape) in shapes.enumerated()
      where address.value % max(shape.scheme.rootAlignment, shape.scheme.pageSize) == 0 {
        if shape.fitsPage {
          // Where a root is smaller than a page, the kernel's own and most others begin one.
          take(at: address, shape, accessed[index], physical, &result[index]) {
            shape.entry($0, in: page, at: 0)
          }
        } else if let entries = shape.entries(at: address, in: image.memory) {
          take(at: address, shape, accessed[index], physical, &result[index]) { entries[$0] }
        }
      }
    }
    return finished ? result : nil
  }

  /// Takes a page in which each entry is 0, points at a table or maps a block, and one points at a table; as a root
  /// where none maps a block. Entries of the last level may have the form of those that point at tables: kernels have
  /// set the accessed flag of most pages, and leave the bit clear where it means nothing.
  @inline(__always)
  private func take(
    at address: PhysicalAddress, _ shape: RootShape, _ accessed: UInt64, _ physical: PhysicalRanges,
    _ tables: inout Tables, _ entry: (_ slot: Int) -> UInt64
  ) {
    let format = shape.format
    var isRoot = true
    var targets: [UInt64] = []
    for slot in 0..<shape.kernelSlots.upperBound {
      let raw = entry(slot)
      if raw == 0 { continue }
      switch format.kind(of: raw) {
      case .absent, .marked: return
      // Malformed in a root, a block in a table below.
      case .leaf, .malformed:
        guard raw & accessed != 0 else { return }
        isRoot = false
      case .table:
        let target = format.tableAddress.address(in: raw)
        guard raw & accessed == 0, physical.contains(target), target != address else { return }
        targets.append(target.value)
      }
    }
    guard !targets.isEmpty, tables.pointedAt.count < TwoWindowSearch.tableLimit else { return }
    tables.pointedAt.formUnion(targets)
    if isRoot, tables.roots.count < TwoWindowSearch.tableLimit { tables.roots.append(address) }
  }
}

extension RootShape {
  /// The accessed flag of pages at the last level; 0 where there is none.
  fileprivate var accessedPage: UInt64 {
    scheme.levels.last?.leafFields.reduce(0) { $1.role == .accessed ? $0 | $1.mask : $0 } ?? 0
  }
}

extension Leaf {
  fileprivate var isForUser: Bool { access.contains(.user) }
}
