import PageTables

extension LinuxEntryLayout {
  /// What Linux keeps in non-present entries of a scheme, as marks; nil for schemes that Linux is not known to use.
  /// The rest of what it keeps there depends on the swap type of the entry.
  static func marks(of scheme: PagingScheme) -> [SoftwareMark]? {
    guard let layout = all(hasSavedDirty: nil)[scheme.family] else { return nil }
    let frame = scheme.levels[scheme.levels.count - 1].format.leafAddress
    return [
      SoftwareMark(
        name: "PROT_NONE", test: layout.protNone, frame: frame, isInverted: layout.isFrameInverted,
        upperName: layout.protNoneOfKernel),
      .software,
    ]
  }
}
