import MemoryImages
import PageTables

/// Classifies the results of a scan: processes, the kernel's own root, the copies of page-table isolation, and
/// pages that nothing uses any more.
struct RootClassification {
  let image: MemoryImage
  let shape: RootShape

  /// The most ranges visited for the kernel's image: hostile tables never end.
  private static let rangeLimit = 1 << 18

  /// The most bytes after the end of a 32-bit kernel's code in which its own root may lie: data and zeroed data.
  private static let dataAfterCode: UInt64 = 32 << 20

  /// The spaces for these roots, in the order given except that possibly stale ones come last.
  ///
  /// - Parameters:
  ///   - pointers: called to find out which of some roots are pointed at from memory, where no guest says whose
  ///     they are; nil to skip this.
  ///   - hasKernel: whether one of the known spaces is already named as the kernel's.
  func spaces(
    for roots: [PhysicalAddress], knownBy origins: [PhysicalAddress: FoundSpace.Origin],
    pointers: RootPointers?, hasKernel: Bool
  ) -> [FoundSpace] {
    let extent = image.memory.extent
    var live: [FoundSpace] = []
    var stale: [FoundSpace] = []
    var withoutUser: [FoundSpace] = []
    let read = roots.compactMap { root in
      shape.entries(at: root, in: image.memory).map { (root, $0) }
    }
    let common = commonEntries(read.map(\.1))
    let boot = read.first { origins[$0.0] == nil && isForBooting($0.1) }?.0
    for (root, entries) in read {
      var summary = RootSummary(entries, shape: shape, extent: extent)
      summary.userEntries -= common.count { shape.agree(entries[$0], $1) }
      summary.userEntries -= SelfReference(entries, of: root, shape).slots.count {
        $0 < shape.kernelSlots.lowerBound
      }
      var found = space(root, origin: origins[root] ?? .scan)
      if root == boot { found.space.name = "boot" }
      if origins[root] != nil {
        live.append(found)
      } else if summary.badEntries > 0 || summary.markedEntries > 0 {
        found.isPossiblyStale = true
        stale.append(found)
      } else if summary.userEntries == 0 {
        withoutUser.append(found)
      } else {
        live.append(found)
      }
    }
    let directMap = live.first.flatMap {
      DirectMap(of: $0.space, from: shape.firstKernelAddress, in: image.memory)
        ?? DirectMap(ofAll: $0.space, in: image.memory)
    }
    let inUse = pointers?.inUse(live.map(\.space.root), withoutUser.map(\.space.root), directMap)
    if let inUse {
      for index in live.indices where origins[live[index].space.root] == nil {
        live[index].isPossiblyStale = !inUse.contains(live[index].space.root)
      }
      stale += live.filter(\.isPossiblyStale)
      live.removeAll(where: \.isPossiblyStale)
    }
    let candidates = withoutUser.map(\.space.root).filter { inUse?.contains($0) ?? true }
    let kernel =
      hasKernel
      ? nil : kernelRoot(among: candidates, live: live, directMap) ?? inUse.flatMap { _ in candidates.first }
    for var found in withoutUser {
      if found.space.root == kernel {
        found.space.name = FoundSpace.Role.kernelName
        found.role = .kernel
        // Given roots stay at the front, in their order.
        live.insert(found, at: live.firstIndex { $0.origin != .given } ?? live.count)
      } else if inUse?.contains(found.space.root) == true {
        live.append(found)
      } else {
        found.isPossiblyStale = true
        stale.append(found)
      }
    }
    return pairs(live) + pairs(stale)
  }

  /// Whether everything mapped below the kernel's part is the kernel's part again: a kernel that turns paging on
  /// needs its own code at the physical addresses, too.
  private func isForBooting(_ entries: [UInt64]) -> Bool {
    let low = entries[..<shape.kernelSlots.lowerBound].filter(shape.format.present.matches)
    let high = entries[shape.kernelSlots].filter(shape.format.present.matches)
    return !low.isEmpty && low.count <= high.count
      && low.allSatisfy { raw in high.contains { shape.agree($0, raw) } }
  }

  /// Entries below the kernel's part that nearly all roots share, by slot: what roots share there belongs to the
  /// kernel, too.
  private func commonEntries(_ roots: [[UInt64]]) -> [Int: UInt64] {
    var common: [Int: UInt64] = [:]
    for slot in 0..<shape.kernelSlots.lowerBound where roots.count > 2 {
      // If most roots have an entry, two roots far apart are unlikely both to lack it.
      for example in [roots[0][slot], roots[roots.count / 2][slot]]
      where shape.format.kind(of: example) == .table {
        if roots.count(where: { shape.agree($0[slot], example) }) * 4 >= roots.count * 3 {
          common[slot] = example
        }
      }
    }
    return common
  }

  /// Those of the roots that neither they nor other roots reach as a table: a page that maps the kernel's places
  /// may be a table of a root that does.
  func withoutTables(_ roots: [PhysicalAddress], of others: [PhysicalAddress]) -> [PhysicalAddress] {
    guard !roots.isEmpty else { return [] }
    let reached = TablesBelow(of: others, shape.scheme, image.memory).frames(among: Set(roots.map(\.frame)))
    return roots.filter { root in
      guard !reached.contains(root.frame) || pointsAtItself(root) else { return false }
      // Under page-table isolation the user copy is found through its pair.
      guard let isolated = shape.scheme.isolatedRoots, isolated.isUserPlace(root) else { return true }
      return !isPair(kernel: isolated.kernelCopy(of: root), user: root)
    }
  }

  private func pointsAtItself(_ root: PhysicalAddress) -> Bool {
    !SelfReference(space(root, origin: .scan).space, in: image.memory).slots.isEmpty
  }

  func space(_ root: PhysicalAddress, origin: FoundSpace.Origin) -> FoundSpace {
    let name = AddressText.hex(root.value)
    return FoundSpace(space: AddressSpace(name: name, root: root, scheme: shape.scheme), origin: origin)
  }

  /// Finds the kernel's own root, which lies in the kernel's image. If several such pages do, it is the first: it
  /// is linked into the image's data, which precedes memory that is freed after boot and may have held other roots
  /// since.
  private func kernelRoot(
    among roots: [PhysicalAddress], live: [FoundSpace], _ directMap: DirectMap?
  ) -> PhysicalAddress? {
    guard !roots.isEmpty, let example = live.first?.space, let directMap else { return nil }
    let largePage = shape.scheme.spanOfLastTables
    var images: [PhysicalRange] = []
    var ranges = 0
    _ = example.forEachRange(in: image.memory, from: shape.firstKernelAddress) { range in
      let isDirect = range.virtual.value &- range.physical.value == directMap.offset
      let end = range.physical.advanced(by: range.length)
      if !isDirect, range.level < shape.scheme.levels.count - 1 {
        images.append(PhysicalRange(range.physical, end))
      } else if isDirect, shape.scheme.virtualAddressBits <= 32, range.access.contains(.execute),
        range.length >= largePage / 4
      {
        // A 32-bit kernel runs in the direct map itself: its code is the executable part of that map.
        images.append(PhysicalRange(range.physical, end.advanced(by: RootClassification.dataAfterCode)))
      }
      ranges += 1
      return ranges < RootClassification.rangeLimit
    }
    let inside = PhysicalRanges(images)
    return roots.sorted().first { inside.contains($0) }
  }

  /// Pairs roots with the user copy in the odd page that follows them, and lists each copy after its root.
  private func pairs(_ spaces: [FoundSpace]) -> [FoundSpace] {
    guard let isolated = shape.scheme.isolatedRoots else { return spaces }
    let known = Dictionary(spaces.map { ($0.space.root, $0) }) { first, _ in first }
    var result: [FoundSpace] = []
    for found in spaces {
      let root = found.space.root
      if isolated.isUserPlace(root) {
        let copy = isolated.kernelCopy(of: root)
        if known[copy] == nil || !isPair(kernel: copy, user: root) { result.append(found) }
        continue
      }
      let user = isolated.userCopy(of: root)
      guard isPair(kernel: root, user: user) else {
        result.append(found)
        continue
      }
      var kernelCopy = found
      kernelCopy.isolation = .kernelCopy(userRoot: user)
      var userCopy = known[user] ?? space(user, origin: .pair)
      userCopy.isolation = .userCopy(kernelRoot: root)
      userCopy.isPossiblyStale = found.isPossiblyStale
      userCopy.role = found.role
      userCopy.space.name = found.space.name + " user"
      result += [kernelCopy, userCopy]
    }
    return result
  }

  /// Whether two pages are the copies of kernel page-table isolation: with the same user entries (the kernel copy
  /// may forbid execution there), and only a few kernel entries in the user copy.
  func isPair(kernel: PhysicalAddress, user: PhysicalAddress) -> Bool {
    guard let isolated = shape.scheme.isolatedRoots, !isolated.isUserPlace(kernel),
      user == isolated.userCopy(of: kernel),
      let kernelEntries = shape.entries(at: kernel, in: image.memory),
      let userEntries = shape.entries(at: user, in: image.memory)
    else { return false }
    let summary = RootSummary(userEntries, shape: shape, extent: image.memory.extent)
    let kernelSummary = RootSummary(kernelEntries, shape: shape, extent: image.memory.extent)
    guard summary.couldBeRoot, summary.markedEntries == 0, summary.kernelEntries > 0,
      summary.kernelEntries * 2 < kernelSummary.kernelEntries
    else { return false }
    let format = shape.format
    // Only execution bits and those that the processor sets may differ.
    let ignored = shape.changing | format.rights.execute.table.mask
    return (0..<shape.kernelSlots.lowerBound).allSatisfy { slot in
      (kernelEntries[slot] ^ userEntries[slot]) & ~ignored == 0
    }
  }
}
