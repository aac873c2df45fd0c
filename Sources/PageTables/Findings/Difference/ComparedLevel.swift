/// What a comparison needs of a level, as both moments read it.
struct ComparedLevel {
  let old: PagingLevelShape
  let new: PagingLevelShape
  /// Whether the same bytes mean the same at both moments, so that equal ones need not be decoded.
  let readsAlike: Bool
  let isLast: Bool
  /// Accessed and dirty bits of leaves, where they do not count.
  let ignoredOfLeaves: UInt64
  /// Accessed bits of entries that point at tables: no mapping changes with them.
  let ignoredOfTables: UInt64
  /// The bits of a leaf that are neither address, nor rights, nor ignored.
  private let attributes: UInt64

  init(old: PagingLevel, new: PagingLevel, isLast: Bool, countsUse: Bool) {
    self.old = PagingLevelShape(old)
    self.new = PagingLevelShape(new)
    self.isLast = isLast
    readsAlike = old.format == new.format
    let use = old.useBits | new.useBits
    ignoredOfLeaves = countsUse ? 0 : use
    ignoredOfTables = old.tableFields.useBits | new.tableFields.useBits
    attributes =
      old.leafAttributes & new.leafAttributes & ~(countsUse ? 0 : use)
      & ~(old.format.rights.leafMask | new.format.rights.leafMask)
  }

  var entryCount: Int { old.entryCount }
  var entrySize: Int { old.entrySize }
  var span: UInt64 { old.span }

  /// Whether two leaves of this level differ in more than address and rights.
  func haveOtherBits(_ oldRaw: UInt64, _ newRaw: UInt64) -> Bool { (oldRaw ^ newRaw) & attributes != 0 }

  /// Whether two leaves of this level, of one moment, agree in all that a range has in common.
  func areAlike(_ one: UInt64, _ other: UInt64) -> Bool {
    (one ^ other) & old.leafAttributes & ~ignoredOfLeaves == 0
  }
}

extension PagingLevel {
  /// The bits of a leaf that the processor sets when it uses the page: accessed, dirty.
  package var useBits: UInt64 { leafFields.useBits }
}

extension [EntryField] {
  fileprivate var useBits: UInt64 {
    reduce(0) { mask, field in
      let isUse = (field.role == .accessed || field.role == .dirty) && field.pattern == nil
      return isUse ? mask | field.mask : mask
    }
  }
}

extension AddressWindow {
  /// Whether the tables of both windows divide the same addresses in the same way, so that they can be walked side
  /// by side.
  func dividesLike(_ other: AddressWindow) -> Bool {
    first == other.first && scheme.virtualAddressBits == other.scheme.virtualAddressBits
      && scheme.isSignExtended == other.scheme.isSignExtended
      && scheme.levels.count == other.scheme.levels.count
      && zip(scheme.levels, other.scheme.levels).allSatisfy {
        $0.shift == $1.shift && $0.indexBits == $1.indexBits && $0.format.entrySize == $1.format.entrySize
      }
  }
}
