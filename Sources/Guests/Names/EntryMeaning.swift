import PageTables

/// What an entry's bits mean to the guest's kernel, where that is more than they mean to the hardware.
package struct EntryMeaning: Hashable, Sendable {
  /// What an entry that maps nothing for the hardware keeps: `swap type 0, offset 0x12`, `PROT_NONE`,
  /// `migration to frame 0x1234000`; nil where the hardware's reading says all.
  package let summary: String?
  /// Whether it names a place in swap space.
  package let isSwapped: Bool
  /// The frame that it still stands for, though the hardware does not use it: PROT_NONE, migration.
  package let frame: PhysicalAddress?
  /// Bits by the kernel's names, lowest first: `soft-dirty`, `uffd-wp`, `special`.
  package let bits: [Bit]

  package struct Bit: Hashable, Sendable {
    /// The lowest bit of the field, and how many bits it has.
    package let position: Int
    package let width: Int
    package let name: String
    package let value: UInt64

    package init(position: Int, width: Int, name: String, value: UInt64) {
      self.position = position
      self.width = width
      self.name = name
      self.value = value
    }
  }

  /// The same, its frame left out where that is none.
  func withoutFrame(where isNone: (PhysicalAddress) -> Bool) -> EntryMeaning {
    guard let frame, isNone(frame) else { return self }
    return EntryMeaning(summary: summary, isSwapped: isSwapped, frame: nil, bits: bits)
  }

  package init(summary: String?, isSwapped: Bool = false, frame: PhysicalAddress?, bits: [Bit]) {
    self.summary = summary
    self.isSwapped = isSwapped
    self.frame = frame
    self.bits = bits
  }
}
