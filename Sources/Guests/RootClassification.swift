import MemoryImages
import PageTables

/// Tells apart what the scan brought: processes, the kernel's own root, the copies of page-table isolation, and
/// pages that nothing owns any more.
struct RootClassification {
  let image: MemoryImage
  let shape: RootShape

  /// Ranges that are looked at for the kernel's image: hostile tables never end.
  private static let rangeLimit = 1 << 18

  /// Bytes after the end of a 32-bit kernel's code in which its own root may lie: data and zeroed data.
  private static let dataAfterCode: UInt64 = 32 << 20

  /// Spaces for these roots, in the order given but possibly stale ones last.
  func spaces(for roots: [PhysicalAddress], knownBy origins: [PhysicalAddress: FoundSpace.Origin])
    -> [FoundSpace]
  {
    let extent = image.memory.extent
    var live: [FoundSpace] = []
    var stale: [FoundSpace] = []
    var withoutUser: [FoundSpace] = []
    for root in roots {
      guard let entries = shape.entries(at: root, in: image.memory) else { continue }
      let summary = RootSummary(entries, shape: shape, extent: extent)
      var found = space(root, origin: origins[root] ?? .scan)
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
    let kernel = kernelRoot(among: withoutUser.map(\.space.root), live: live)
    for var found in withoutUser {
      if found.space.root == kernel {
        found.space.name = "kernel"
        live.insert(found, at: 0)
      } else {
        found.isPossiblyStale = true
        stale.append(found)
      }
    }
    return pairs(live) + pairs(stale)
  }

  func space(_ root: PhysicalAddress, origin: FoundSpace.Origin) -> FoundSpace {
    let name = AddressText.hex(root.value)
    return FoundSpace(space: AddressSpace(name: name, root: root, scheme: shape.scheme), origin: origin)
  }

  /// The kernel's own root lies in the kernel's image; of several such pages it is the first, as it is linked
  /// into the image's data, before memory that is freed after boot and may have held other roots since.
  private func kernelRoot(among roots: [PhysicalAddress], live: [FoundSpace]) -> PhysicalAddress? {
    guard let example = live.first?.space, let directMap = DirectMap(of: example, in: image.memory) else {
      return nil
    }
    let largePage = shape.scheme.levels[shape.scheme.levels.count - 2].span
    var images: [PhysicalRange] = []
    var ranges = 0
    _ = example.forEachRange(in: image.memory, from: shape.firstKernelAddress) { range in
      let isDirect = range.virtual.value &- range.physical.value == directMap.offset
      let end = range.physical.advanced(by: range.length)
      if !isDirect, range.level < shape.scheme.levels.count - 1 {
        images.append(PhysicalRange(range.physical, end))
      } else if isDirect, !shape.scheme.isSignExtended, range.access.contains(.execute),
        range.length >= largePage / 4
      {
        // A 32-bit kernel runs in the direct map itself: its code is what is executable there.
        images.append(PhysicalRange(range.physical, end.advanced(by: RootClassification.dataAfterCode)))
      }
      ranges += 1
      return ranges < RootClassification.rangeLimit
    }
    let inside = PhysicalRanges(images)
    return roots.sorted().first { inside.contains($0) }
  }

  /// Pairs roots with the user copy in the odd page after them, and lists that copy behind.
  private func pairs(_ spaces: [FoundSpace]) -> [FoundSpace] {
    guard shape.size == Int(Frame.size), shape.scheme.isSignExtended else { return spaces }
    let known = Dictionary(spaces.map { ($0.space.root, $0) }) { first, _ in first }
    var result: [FoundSpace] = []
    for found in spaces {
      let root = found.space.root
      let even = PhysicalAddress(root.value & ~Frame.size)
      if root != even {
        if known[even] == nil || !isPair(kernel: even, user: root) { result.append(found) }
        continue
      }
      let odd = PhysicalAddress(root.value | Frame.size)
      guard isPair(kernel: root, user: odd) else {
        result.append(found)
        continue
      }
      var kernelCopy = found
      kernelCopy.isolation = .kernelCopy(userRoot: odd)
      var userCopy = known[odd] ?? space(odd, origin: .pair)
      userCopy.isolation = .userCopy(kernelRoot: root)
      userCopy.isPossiblyStale = found.isPossiblyStale
      userCopy.space.name = found.space.name + " user"
      result += [kernelCopy, userCopy]
    }
    return result
  }

  /// Whether two pages are the copies that kernel page-table isolation keeps: the same user entries (the
  /// kernel's copy may forbid execution there), and only a few of the kernel's.
  func isPair(kernel: PhysicalAddress, user: PhysicalAddress) -> Bool {
    guard kernel.value & Frame.size == 0, user.value == kernel.value | Frame.size,
      let kernelEntries = shape.entries(at: kernel, in: image.memory),
      let userEntries = shape.entries(at: user, in: image.memory)
    else { return false }
    let summary = RootSummary(userEntries, shape: shape, extent: image.memory.extent)
    let kernelSummary = RootSummary(kernelEntries, shape: shape, extent: image.memory.extent)
    guard summary.couldBeRoot, summary.markedEntries == 0, summary.kernelEntries > 0,
      summary.kernelEntries * 2 < kernelSummary.kernelEntries
    else { return false }
    let format = shape.format
    // Only what forbids execution may differ, besides what the processor notes.
    let ignored = shape.changing | format.execute.table.mask
    return (0..<shape.kernelSlots.lowerBound).allSatisfy { slot in
      (kernelEntries[slot] ^ userEntries[slot]) & ~ignored == 0
    }
  }
}
