import PageTables

/// What Windows keeps in entries that are not present (Russinovich and others, "Windows Internals", 7th edition,
/// Part 1, Chapter 5 "Invalid PTEs"; `MMPTE_SOFTWARE`, `MMPTE_TRANSITION` and `MMPTE_PROTOTYPE` in its public
/// symbols). In the formats of 4 and of 8 bytes, the bits that distinguish these are in the same places.
enum WindowsMarks {
  /// The mark of a page that was written to a page file.
  static let pageFile = "page file"

  private static let prototype: UInt64 = 1 << 10
  private static let transition: UInt64 = 1 << 11

  /// The marks for entries of a scheme; nil for schemes that Windows does not use.
  static func marks(of scheme: PagingScheme) -> [SoftwareMark]? {
    guard let offset = pageFileOffset(scheme.name) else { return nil }
    let kinds = prototype | transition
    let frame = scheme.levels[scheme.levels.count - 1].format.leafAddress
    return [
      SoftwareMark(name: "prototype", test: BitTest(mask: prototype, value: prototype)),
      // Not only pages are trimmed: the entry above a trimmed table keeps the table's frame, too.
      SoftwareMark(
        name: "transition", test: BitTest(mask: kinds, value: transition), frame: frame, isPage: false),
      SoftwareMark(name: "demand zero", test: BitTest(mask: kinds | offset, value: 0)),
      SoftwareMark(name: pageFile, test: BitTest(mask: kinds, value: 0)),
    ]
  }

  /// The field for a page's place in its page file; it is 0 while the page has none.
  private static func pageFileOffset(_ schemeName: String) -> UInt64? {
    switch schemeName {
    case "x86-64", "x86-64-la57", "x86-pae": 0xffff_ffff_0000_0000
    case "x86-32": 0xffff_f000
    default: nil
    }
  }
}
