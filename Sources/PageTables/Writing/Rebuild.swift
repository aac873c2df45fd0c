/// Why spaces could not be rebuilt.
public enum RebuildError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The start of the image is no multiple of a page, or of the largest table.
  case misaligned(PhysicalAddress, alignment: UInt64)
  /// Entries or the root register do not reach a stretch of that many free bytes.
  case noRoom(bytes: UInt64)

  public var description: String {
    switch self {
    case .misaligned(let base, let alignment):
      "the image cannot start at \(AddressText.hex(base.value)); choose a multiple of "
        + AddressText.hex(alignment)
    case .noRoom(let bytes):
      "no place for \(bytes) bytes of tables that entries reach and nothing is mapped to; "
        + "choose where to put them"
    }
  }
}

/// Spaces in a new compact image: nothing but their tables.
public struct RebuiltSpaces: Sendable {
  /// The tables; the machine's other memory is known, and not readable, as in a capture.
  public let memory: MemoryBlock
  /// The new root of each space, in the order given. A root that cannot be read stays where it was.
  public let roots: [PhysicalAddress]
  /// Tables copied: distinct (table, level).
  public let tables: Int
  /// Entries, and roots, whose table cannot be read; they point where they did.
  public let missingTables: UInt64
}

/// Copies the tables of all spaces into a new compact image, with the sharing kept: every table that some
/// path reaches, at each level that it is reached at, gets pages of its own, once.
///
/// Only the addresses of tables change. Leaves keep their frames; marked and malformed entries and all other
/// bits stay as they are. So a walk of the copy gives the same mappings, access and references, by place. The
/// image lies where no frame of a leaf and no memory of the machine is: above all of that, or else in the
/// highest gap that is large enough.
///
/// Memory grows with the distinct tables, however many paths lead to them.
///
/// - Parameters:
///   - base: where the image is to start, whatever is mapped there.
/// - Throws: `RebuildError`.
public func rebuild(
  _ roots: [PhysicalAddress], scheme: PagingScheme, in memory: any PhysicalMemory,
  at base: PhysicalAddress? = nil
) throws(RebuildError) -> RebuiltSpaces {
  var copy = TableCopy(scheme: scheme, memory: memory)
  let nodes = roots.map { copy.node(TableReference(address: scheme.aligned(root: $0), level: 0)) }
  let rootBytes = copy.bytes
  copy.readAll()
  let start: PhysicalAddress
  if let base {
    guard base.value & (copy.alignment - 1) == 0 else {
      throw .misaligned(base, alignment: copy.alignment)
    }
    start = base
  } else {
    guard
      let place = copy.avoided.place(
        for: copy.bytes, alignment: copy.alignment, below: scheme.tableLimit, headBytes: rootBytes,
        headLimit: scheme.rootAddress.limit)
    else { throw .noRoom(bytes: copy.bytes) }
    start = place
  }
  let words = try copy.image(at: start)
  for node in nodes {
    guard let node else { continue }
    guard scheme.rootAddress.encoded(copy.address(of: node, from: start)) != nil else {
      throw .noRoom(bytes: copy.bytes)
    }
  }
  return RebuiltSpaces(
    memory: MemoryBlock(
      start: start, words: words, holes: copy.holes(from: start), surroundings: memory.extent),
    roots: zip(nodes, roots).map { node, root in node.map { copy.address(of: $0, from: start) } ?? root },
    tables: copy.count, missingTables: copy.missingTables)
}
