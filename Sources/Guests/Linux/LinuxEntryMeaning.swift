import PageTables

extension LinuxGuest {
  /// What an entry means to this guest's kernel; nil where the hardware's reading says all.
  ///
  /// - Parameter level: index into the scheme's levels, the root's being 0.
  public func meaning(of raw: UInt64, level: Int, scheme: PagingScheme) -> EntryMeaning? { nil }
}
