import PageTables

extension LinuxEntryLayout {
  /// What Linux keeps in entries of a scheme that are not present, as marks; nil for schemes that no Linux is known to
  /// use. What else it keeps there, its types of swap space tell.
  static func marks(of scheme: PagingScheme) -> [SoftwareMark]? {
    guard let layout = all(hasSavedDirty: nil)[scheme.name] else { return nil }
    let frame = scheme.levels[scheme.levels.count - 1].format.leafAddress
    return [
      SoftwareMark(
        name: "PROT_NONE", test: layout.protNone, frame: frame, isInverted: layout.isFrameInverted),
      .software,
    ]
  }
}
