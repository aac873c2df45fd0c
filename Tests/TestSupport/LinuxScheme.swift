import PageTables

extension PagingScheme {
  /// A scheme of 4 or 8 bytes an entry as Linux marks it (`arch/x86/include/asm/pgtable.h`, `pgtable-invert.h`): a
  /// page of PROT_NONE has bit 8 without bit 0, and its frame inverted where entries have 8 bytes.
  package var ofLinux: PagingScheme {
    let last = levels[levels.count - 1].format
    return keeping([
      SoftwareMark(
        name: "PROT_NONE", test: BitTest(mask: 0x101, value: 0x100), frame: last.leafAddress,
        isInverted: last.entrySize == 8),
      .software,
    ])
  }
}
