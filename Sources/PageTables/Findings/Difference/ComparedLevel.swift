/// A level as one of the moments reads it.
///
/// A class, as it is handed down with every table and every entry, and is far too large to be copied each time.
final class MomentLevel: Sendable {
  let shape: PagingLevelShape
  /// Its number; the root's is 0.
  let number: Int
  /// What the scheme changes in the rights of paths.
  private let adjustment: RightsAdjustment

  init(_ scheme: PagingScheme, number: Int) {
    shape = PagingLevelShape(scheme.levels[number])
    self.number = number
    adjustment = scheme.rightsAdjustment
  }

  @inline(__always)
  func kind(of raw: UInt64) -> EntryKind { shape.format.kind(of: raw) }

  /// The table that an entry points at.
  @inline(__always)
  func table(of raw: UInt64) -> UInt64 { shape.format.tableAddress.address(in: raw).value }

  /// What a path to a table allows that ends with an entry.
  func rights(through raw: UInt64, by path: Rights) -> Rights {
    path.intersection(shape.format.rights(of: raw, kind: .table))
  }

  /// What a leaf at a slot maps, by a path.
  func page(_ raw: UInt64, slot: Int, by path: Rights) -> MappedContent {
    let rights = path.intersection(shape.format.rights(of: raw, kind: .leaf))
    var pageSize = shape.span
    if let form = shape.format.contiguous, form.test.matches(raw) { pageSize &<<= UInt64(form.entryBits) }
    return MappedContent(
      physical: shape.frame(of: raw, slot: slot), level: number, raw: raw, pageSize: pageSize,
      rights: adjustment.granted(by: rights))
  }
}

/// A level as both moments read it.
final class ComparedLevel: Sendable {
  let old: MomentLevel
  let new: MomentLevel
  /// Whether the same bytes mean the same at both moments, so that equal ones need not be decoded.
  let readsAlike: Bool
  let isLast: Bool
  let entryCount: Int
  let entrySize: Int
  let shift: UInt64
  /// Accessed and dirty bits of leaves, where they do not count.
  let ignoredOfLeaves: UInt64
  /// The bits of a leaf that are neither address, nor rights, nor ignored.
  private let attributes: UInt64
  private let leafAttributes: UInt64

  init(_ old: PagingScheme, _ new: PagingScheme, number: Int, countsUse: Bool) {
    let (oldLevel, newLevel) = (old.levels[number], new.levels[number])
    self.old = MomentLevel(old, number: number)
    self.new = MomentLevel(new, number: number)
    isLast = number == old.levels.count - 1
    readsAlike = oldLevel.format == newLevel.format
    entryCount = oldLevel.entryCount
    entrySize = oldLevel.format.entrySize
    shift = UInt64(oldLevel.shift)
    ignoredOfLeaves = countsUse ? 0 : oldLevel.useBits | newLevel.useBits
    leafAttributes = oldLevel.leafAttributes & newLevel.leafAttributes & ~ignoredOfLeaves
    attributes =
      leafAttributes & ~(oldLevel.format.rights.leafMask | newLevel.format.rights.leafMask)
  }

  /// Bytes that an entry covers.
  var span: UInt64 { 1 &<< shift }

  /// Whether two leaves of this level differ in more than address and rights.
  func haveOtherBits(_ oldRaw: UInt64, _ newRaw: UInt64) -> Bool { (oldRaw ^ newRaw) & attributes != 0 }

  /// Whether two leaves of this level, of one moment, agree in all that a range has in common.
  func areAlike(_ one: UInt64, _ other: UInt64) -> Bool { (one ^ other) & leafAttributes == 0 }

  /// What differs between two leaves by themselves, whatever their paths allow.
  func difference(ofLeaves oldRaw: UInt64, _ newRaw: UInt64, slot: Int) -> ChangeKinds {
    if old.shape.frame(of: oldRaw, slot: slot) != new.shape.frame(of: newRaw, slot: slot) { return .moved }
    if old.shape.format.rights(of: oldRaw, kind: .leaf) != new.shape.format.rights(of: newRaw, kind: .leaf) {
      return .access
    }
    return haveOtherBits(oldRaw, newRaw) ? .bits : []
  }
}

extension PagingLevel {
  /// The bits of a leaf that the processor sets when it uses the page: accessed, dirty.
  package var useBits: UInt64 {
    leafFields.reduce(0) { mask, field in
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
