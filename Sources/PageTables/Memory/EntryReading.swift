extension RawSpan {
  /// The little-endian value of `size` bytes at a byte offset. Entries have 8 or 4 bytes; smaller sizes are read
  /// byte by byte, and never beyond `size`.
  ///
  /// Unchecked: the whole value must lie inside the page. Callers loop over whole tables inside a page whose bounds
  /// they respect, and a check per entry would make the loop half as expensive again.
  @inlinable @inline(__always)
  package func entry(at offset: Int, size: Int) -> UInt64 {
    if size == 8 {
      return UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
    if size == 4 {
      return UInt64(
        UInt32(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)))
    }
    return value(at: offset, size: size)
  }

  /// The same for any size of up to 8 bytes, checked; kept out of line, as it would slow down the loops over
  /// entries.
  @usableFromInline @inline(never)
  func value(at offset: Int, size: Int) -> UInt64 {
    (0..<size).reduce(0) { value, index in
      value | UInt64(unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)) << UInt64(8 * index)
    }
  }
}

extension RawSpan {
  /// A cache line: most of a table is empty, and is skipped in steps of this size.
  static let lineSize = 64

  /// How many entries, starting with `slot` at the given byte offset, can be skipped at once because a whole cache
  /// line is empty; 0 if each entry must be looked at.
  @inline(__always)
  func blankEntries(at offset: Int, slot: Int, end: Int, size: Int) -> Int {
    let count = RawSpan.lineSize / size
    return slot & (count &- 1) == 0 && end &- slot >= count && isBlank(at: offset) ? count : 0
  }

  /// Whether the 64 bytes at an offset are all 0. Unchecked, like `entry(at:size:)`.
  @inline(__always)
  private func isBlank(at offset: Int) -> Bool {
    let all = unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD8<UInt64>.self)
    let half = all.lowHalf | all.highHalf
    let quarter = half.lowHalf | half.highHalf
    return quarter[0] | quarter[1] == 0
  }
}

extension PhysicalMemory {
  /// Passes the entries of `slots` of a table to `body`, page by page: a table may be part of a page (a PAE root)
  /// or span several. `body` gets the page's bytes, the offset of its first slot, and its slots; it returns whether
  /// to continue.
  ///
  /// - Throws: `MissingPage` at the first page that cannot be read.
  @inline(__always)
  func withEntries(
    of table: PhysicalAddress, level: PagingLevelShape, slots: Range<Int>,
    _ body: (_ page: RawSpan, _ offset: Int, _ slots: Range<Int>) -> Bool
  ) throws(MissingPage) {
    var slot = slots.lowerBound
    while slot < slots.upperBound {
      let address = table.advanced(by: UInt64(slot &* level.entrySize))
      let offset = address.offsetInFrame & ~(level.entrySize - 1)
      let inPage = (Int(Frame.size) - offset) / level.entrySize
      let end = min(slots.upperBound, slot + inPage)
      let goesOn = try withPage(at: address) { page in
        page.byteCount == Int(Frame.size) && body(page, offset, slot..<end)
      }
      guard goesOn else { return }
      slot = end
    }
  }
}
