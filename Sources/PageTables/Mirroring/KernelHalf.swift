import Synchronization

/// The spaces of a machine that share one kernel half: the entries for it in their roots are always the same.
///
/// SunriseOS copies these entries when it switches to a space (`copy_active_kernel_space`). Here a change to one
/// root is made to all roots in the same batch, so that no space ever lacks a page that the kernel mapped. A table
/// of the half is held once, however many roots point at it.
public final class KernelHalf: Sendable {
  /// The paging scheme of all the spaces.
  public let scheme: PagingScheme
  /// The entries of the roots that belong to the half.
  private let slots: Range<Int>
  private let spaces: Mutex<[PhysicalAddress]>

  /// Creates a half with one space. Nil where the range does not begin and end at the boundaries of root entries of
  /// one window. The roots are those of that window.
  ///
  /// - Parameters:
  ///   - first: the first address of the half; canonical.
  ///   - last: its last address.
  public init?(of space: AddressSpace, from first: VirtualAddress, through last: VirtualAddress) {
    guard first <= last, let number = space.window(of: first) else { return nil }
    let window = space.windows[number]
    scheme = window.scheme
    let span = scheme.levels[0].span
    guard window.canSpan(first, length: last.value &- first.value &+ 1),
      window.offset(of: first) & (span - 1) == 0, window.offset(of: last) & (span - 1) == span - 1
    else { return nil }
    slots = window.slot(of: first, level: 0)..<window.slot(of: last, level: 0) + 1
    spaces = Mutex([window.rootTable.address])
  }

  /// The roots of all the spaces, that of the first space first.
  public var roots: [PhysicalAddress] { spaces.withLock { $0 } }

  /// Adds a space to the half: its root gets the entries that the other roots have.
  ///
  /// - Throws: `WritingError.missingTable`; nothing is changed then.
  public func join(_ root: PhysicalAddress, in memory: any WritableMemory) throws(WritingError) {
    let new = scheme.aligned(root: root)
    let size = scheme.levels[0].format.entrySize
    try spaces.withLock { roots throws(WritingError) in
      guard !roots.contains(new) else { return }
      do throws(MissingPage) {
        var writes: [EntryWrite] = []
        for slot in slots {
          let offset = UInt64(slot &* size)
          let raw = try memory.read(at: roots[0].advanced(by: offset), size: size)
          writes.append(EntryWrite(raw, size: size, at: new.advanced(by: offset)))
        }
        try memory.write(writes)
      } catch {
        throw .missingTable(new, error)
      }
      roots.append(new)
    }
  }

  /// If `write` changes an entry of the half in one of the roots: the same write for the other roots.
  func copies(of write: EntryWrite, under root: PhysicalAddress) -> [EntryWrite] {
    let offset = write.address.value &- root.value
    guard slots.contains(Int(truncatingIfNeeded: offset / UInt64(write.size))),
      offset < scheme.levels[0].tableSize
    else { return [] }
    return roots.filter { $0 != root }.map { other in
      EntryWrite(write.raw, size: write.size, at: other.advanced(by: offset))
    }
  }
}
