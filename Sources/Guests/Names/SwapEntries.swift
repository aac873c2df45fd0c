import PageTables

/// Tells in which entries a system keeps a place in swap space, as far as a scheme's marks say which system it is.
///
/// Answers for many entries: it looks at an entry's bits only, where `EntryMeaning` also words what they mean.
package struct SwapEntries: Sendable {
  private let linux: LinuxEntryReader

  /// - Parameter guest: knows which types of entries stand for swap space. Without it, all do that mostly do.
  package init(_ guest: LinuxGuest? = nil) {
    self.init(guest?.entryReader ?? LinuxEntryReader(swapTypes: .unknown, hasSavedDirty: nil))
  }

  init(_ linux: LinuxEntryReader) {
    self.linux = linux
  }

  /// What tells swap entries from others in tables of a scheme; nil where no system is known that leaves its marks
  /// there.
  package func test(_ scheme: PagingScheme) -> ((Mark) -> Bool)? {
    guard !scheme.marks.isEmpty else { return nil }
    let last = scheme.levels.count - 1
    if scheme.marks == LinuxEntryLayout.marks(of: scheme) {
      let kernelStart = scheme.usualKernelStart
      let linux = linux.swapTest(scheme)
      // The kernel never swaps out its own memory.
      return linux.map { isSwapped in { $0.virtual < kernelStart && isSwapped($0.raw, $0.level) } }
    }
    guard scheme.marks == WindowsMarks.marks(of: scheme) else { return nil }
    // A table can be swapped out, too, and nobody knows what it mapped.
    return { $0.level == last && scheme.mark(in: $0.raw, level: last)?.name == WindowsMarks.pageFile }
  }
}
