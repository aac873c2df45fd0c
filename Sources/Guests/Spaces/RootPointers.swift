import PageTables

/// Finds pointers to roots: the kernel's data for a process points at its root while that is in use, but not at a
/// freed one.
struct RootPointers {
  let shape: RootShape
  let pass: MemoryPass

  /// Those of the roots that some word of memory names, by physical address or by address in the linear map.
  ///
  /// Nil where this does not work: the kernel may store its roots in another way, as frame numbers or combined with
  /// other bits, or the memory may hold tables only. Nil also where the pass was stopped.
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
    // A kernel's words are as long as its entries, except under PAE.
    let size = shape.scheme.virtualAddressBits > 32 ? 8 : 4
    var found: Set<PhysicalAddress> = []
    let finished = pass.forEachPage { address, page in
      for names in names {
        let (lowest, length, aligned) = (names.lowest, names.length, shape.scheme.rootAlignment - 1)
        var offset = 0
        while offset < Int(Frame.size) {
          let word = size == 8 ? page.entry(at: offset, size: 8) : page.entry(at: offset, size: 4)
          offset &+= size
          // Two comparisons are enough for nearly all words, including zeroes.
          guard word &- lowest <= length, word & aligned == 0, let root = names.roots[word] else { continue }
          // A pointer in the root itself does not show that it is in use.
          if root.frame != address.frame { found.insert(root) }
        }
      }
    }
    return finished ? found : nil
  }

  /// The words that stand for roots.
  private struct WordNames {
    let roots: [UInt64: PhysicalAddress]
    let lowest: UInt64
    /// The distance from the lowest to the highest.
    let length: UInt64

    init(of roots: [PhysicalAddress], _ word: (PhysicalAddress) -> UInt64) {
      let named = Dictionary(roots.map { (word($0), $0) }) { first, _ in first }
      // 0 stands for no root.
      self.roots = named.filter { $0.key != 0 }
      lowest = self.roots.keys.min() ?? 0
      length = (self.roots.keys.max() ?? 0) &- lowest
    }
  }
}
