/// What a hot loop needs of a level: a plain value, so that copying one retains nothing.
struct PagingLevelShape {
  let shift: UInt64
  let entryCount: Int
  let entrySize: Int
  let format: EntryFormat
  let leafAttributes: UInt64
  /// The bits by which an entry is a leaf, has its attributes and allows what it allows: an entry that agrees
  /// in them with a leaf is a leaf of the same kind.
  let leafDecidingBits: UInt64

  init(_ level: PagingLevel) {
    shift = UInt64(level.shift)
    entryCount = level.entryCount
    entrySize = level.format.entrySize
    format = level.format
    leafAttributes = level.leafAttributes
    leafDecidingBits =
      leafAttributes | format.present.mask | format.faulty.mask | format.pointsAtTable.mask
      | format.leafReserved | format.rights.leafMask | (format.contiguous?.test.mask ?? 0)
  }

  /// Bytes that one entry covers.
  var span: UInt64 { 1 &<< shift }

  /// Where the memory begins that a leaf at `slot` maps.
  @inline(__always)
  func frame(of raw: UInt64, slot: Int) -> PhysicalAddress { format.frame(of: raw, slot: slot, shift: shift) }

  /// Whether a leaf by itself lets the user come to its page.
  @inline(__always)
  func isUserLeaf(_ raw: UInt64) -> Bool { format.rights(of: raw, kind: .leaf).isUser }
}
