import PageTables

/// Who points at roots: a root that is in use stands in what its kernel keeps of a process, one that was freed does not.
struct RootPointers {
  let shape: RootShape
  let memory: any PhysicalMemory

  /// Those of the roots that some word of memory names, by its physical address or by its place in the linear map.
  ///
  /// Nil where it cannot be told so: the kernel may write down its roots in another way, as numbers of frames or with
  /// other bits beside them, or the memory may hold tables only.
  ///
  /// - Parameters:
  ///   - usual: roots that map user memory; most of them are in use.
  ///   - others: roots that may be the kernel's own, or freed.
  func inUse(
    _ usual: [PhysicalAddress], _ others: [PhysicalAddress], _ directMap: DirectMap?
  ) -> Set<PhysicalAddress>? {
    guard !usual.isEmpty, !others.isEmpty || usual.count > 1 else { return nil }
    var names: [UInt64: PhysicalAddress] = [:]
    for root in usual + others {
      names[root.value] = root
      if let directMap { names[shape.scheme.canonical(root.value &+ directMap.offset).value] = root }
    }
    let found = named(names)
    return usual.count(where: found.contains) * 2 > usual.count ? found : nil
  }

  private func named(_ names: [UInt64: PhysicalAddress]) -> Set<PhysicalAddress> {
    // A kernel's words are as long as its entries, but under PAE.
    let size = shape.scheme.isSignExtended ? 8 : 4
    let aligned = shape.scheme.rootAlignment - 1
    let (lowest, highest) = (names.keys.min() ?? 0, names.keys.max() ?? 0)
    var found: Set<PhysicalAddress> = []
    _ = MemoryPass(memory: memory) { _ in true }.forEachPage { address, page in
      for offset in stride(from: 0, to: Int(Frame.size), by: size) {
        let word = page.entry(at: offset, size: size)
        guard word & aligned == 0, word != 0, word >= lowest, word <= highest, let root = names[word] else {
          continue
        }
        // What stands in the root itself is no sign of its use.
        if root.frame != address.frame { found.insert(root) }
      }
    }
    return found
  }
}
