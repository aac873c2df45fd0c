extension PagingLevel {
  /// A leaf that maps by itself what it maps as one of several entries of a larger page; unchanged where it is none.
  /// Nil where the format cannot express it.
  func separate(_ raw: UInt64, slot: Int) -> UInt64? {
    guard let form = format.contiguous, form.test.matches(raw) else { return raw }
    let frame = frame(of: raw, slot: slot)
    let address = format.leafAddress
    guard let bits = address.encoded(frame) else { return nil }
    let leaf = raw & ~(form.test.mask | address.allBits) | bits
    guard format.kind(of: leaf) == .leaf, !form.test.matches(leaf), address.address(in: leaf) == frame,
      format.rights(of: leaf, kind: .leaf) == format.rights(of: raw, kind: .leaf)
    else { return nil }
    return leaf
  }

  /// A leaf with the attributes of `raw` that maps `frame` at `slot`, as one of several entries of a larger page
  /// where `raw` is one. Nil where the format cannot express it.
  func leaf(keeping raw: UInt64, at frame: PhysicalAddress, slot: Int) -> UInt64? {
    // The address bits below the larger page's size either number the parts of the page or say how large it is.
    let low = pageSize(of: raw) - 1
    let kept = format.leafAddress.address(in: raw).value & low
    for address in [frame, PhysicalAddress(frame.value & ~low | kept)] {
      if let leaf = try? format.entry(raw, movedTo: address), self.frame(of: leaf, slot: slot) == frame {
        return leaf
      }
    }
    return nil
  }
}

extension WritePlan {
  /// If an entry is one of several that map a page together: plans to replace each of them by a leaf that maps its
  /// part by itself, so that one of them can be changed.
  ///
  /// - Returns: the entry as planned.
  /// - Throws: `WritingError.cutsPage` where the format has no such leaves.
  mutating func separate(
    _ raw: UInt64, at address: VirtualAddress, _ table: Table, _ level: Int
  ) throws(WritingError) -> UInt64 {
    let paging = scheme.levels[level]
    let size = paging.pageSize(of: raw)
    guard size > paging.span, paging.format.kind(of: raw) == .leaf else { return raw }
    let slot = window.slot(of: address, level: level)
    let first = slot & ~(Int(truncatingIfNeeded: size >> UInt64(paging.shift)) - 1)
    var separated = raw
    for member in first..<first + Int(truncatingIfNeeded: size >> UInt64(paging.shift)) {
      let place = place(table, member, level)
      guard case .raw(let entry) = try value(at: place, table, level),
        paging.format.kind(of: entry) == .leaf, paging.pageSize(of: entry) == size
      else { continue }
      guard let leaf = paging.separate(entry, slot: member) else {
        throw .cutsPage(VirtualAddress(address.value & ~(size - 1)), pageSize: size)
      }
      values[place] = (.raw(leaf), level)
      if member == slot { separated = leaf }
    }
    return separated
  }
}
