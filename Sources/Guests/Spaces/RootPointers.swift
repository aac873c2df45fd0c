import PageTables

/// Who points at roots: a root that is in use stands in what its kernel keeps of a process, one that was freed does not.
struct RootPointers {
  let shape: RootShape
  let pass: MemoryPass

  /// Those of the roots that some word of memory names, by its physical address or by its place in the linear map.
  ///
  /// Nil where it cannot be told so: the kernel may write down its roots in another way, as numbers of frames or with
  /// other bits beside them, or the memory may hold tables only. Nil also where the pass was stopped.
  ///
  /// - Parameters:
  ///   - usual: roots that map user memory; most of them are in use.
  ///   - others: roots that may be the kernel's own, or freed.
  func inUse(
    _ usual: [PhysicalAddress], _ others: [PhysicalAddress], _ directMap: DirectMap?
  ) -> Set<PhysicalAddress>? {
    guard !usual.isEmpty, !others.isEmpty || usual.count > 1 else { return nil }
    var names = [WordNames(of: usual + others) { $0.value }]
    if let directMap {
      names.append(
        WordNames(of: usual + others) { shape.scheme.canonical($0.value &+ directMap.offset).value })
    }
    guard let found = named(names) else { return nil }
    return usual.count(where: found.contains) * 2 > usual.count ? found : nil
  }

  private func named(_ names: [WordNames]) -> Set<PhysicalAddress>? {
    // A kernel's words are as long as its entries, but under PAE.
    let size = shape.scheme.isSignExtended ? 8 : 4
    var found: Set<PhysicalAddress> = []
    let finished = pass.forEachPage { address, page in
      for names in names {
        let (lowest, length, aligned) = (names.lowest, names.length, shape.scheme.rootAlignment - 1)
        var offset = 0
        while offset < Int(Frame.size) {
          let word = size == 8 ? page.entry(at: offset, size: 8) : page.entry(at: offset, size: 4)
          offset &+= size
          // Two compares for nearly all words, zeroes among them.
          guard word &- lowest <= length, word & aligned == 0, let root = names.roots[word] else { continue }
          // What stands in the root itself is no sign of its use.
          if root.frame != address.frame { found.insert(root) }
        }
      }
    }
    return finished ? found : nil
  }

  /// Words that stand for roots.
  private struct WordNames {
    let roots: [UInt64: PhysicalAddress]
    let lowest: UInt64
    /// From the lowest to the highest.
    let length: UInt64

    init(of roots: [PhysicalAddress], _ word: (PhysicalAddress) -> UInt64) {
      let named = Dictionary(roots.map { (word($0), $0) }) { first, _ in first }
      // 0 stands for nothing.
      self.roots = named.filter { $0.key != 0 }
      lowest = self.roots.keys.min() ?? 0
      length = (self.roots.keys.max() ?? 0) &- lowest
    }
  }
}
