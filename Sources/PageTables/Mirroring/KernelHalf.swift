import Synchronization

/// The spaces of a machine that have one kernel half: the entries of their roots for it are always the same.
///
/// SunriseOS copies them when it switches to a space (`copy_active_kernel_space`); here whatever changes one root's
/// changes all in the same batch, so that no space ever lacks a page that the kernel mapped. A table of the half is
/// held once, however many roots point at it.
public final class KernelHalf: Sendable {
  /// The paging scheme of all the spaces.
  public let scheme: PagingScheme
  /// The roots' entries that belong to the half.
  private let slots: Range<Int>
  private let spaces: Mutex<[PhysicalAddress]>

  /// A half with one space. Nil where the range does not begin and end with entries of the root.
  ///
  /// - Parameters:
  ///   - first: the first address of the half; canonical.
  ///   - last: its last address.
  public init?(of space: AddressSpace, from first: VirtualAddress, through last: VirtualAddress) {
    scheme = space.scheme
    let root = scheme.levels[0]
    guard first <= last, scheme.canSpan(first, length: last.value &- first.value &+ 1),
      first.value & (root.span - 1) == 0, last.value & (root.span - 1) == root.span - 1
    else { return nil }
    slots = root.slot(of: first)..<root.slot(of: last) + 1
    spaces = Mutex([scheme.aligned(root: space.root)])
  }

  /// The roots of all the spaces, the first one's first.
  public var roots: [PhysicalAddress] { spaces.withLock { $0 } }

  /// Gives another space the half: its root gets the entries that the others have.
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

  /// The same entry for the other roots, when it is one of the half in a space's root.
  func copies(of write: EntryWrite, under space: AddressSpace) -> [EntryWrite] {
    let root = scheme.aligned(root: space.root)
    let offset = write.address.value &- root.value
    guard slots.contains(Int(truncatingIfNeeded: offset / UInt64(write.size))),
      offset < scheme.levels[0].tableSize
    else { return [] }
    return roots.filter { $0 != root }.map { other in
      EntryWrite(write.raw, size: write.size, at: other.advanced(by: offset))
    }
  }
}
