/// Why spaces could not be rebuilt.
public enum RebuildError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No roots were given.
  case empty
  /// The requested start of the image is not aligned to a page, or to the largest table or page in the image.
  case misaligned(PhysicalAddress, alignment: UInt64)
  /// There is no free stretch of that many bytes within reach of the entries or the root register.
  case noRoom(bytes: UInt64)
  /// A leaf cannot hold the mark.
  case encoding(EncodingError)

  /// One line: what is wrong, and what to do.
  public var description: String {
    switch self {
    case .empty: "no spaces to rebuild; give a root at least"
    case .encoding(let error): error.description
    case .misaligned(let base, let alignment):
      "the image cannot start at \(AddressText.hex(base.value)); choose a multiple of "
        + AddressText.hex(alignment)
    case .noRoom(let bytes):
      "no place for an image of \(bytes) bytes that entries reach and nothing is mapped to; "
        + "choose where to put them"
    }
  }
}

/// How to treat the pages that leaves map when spaces are rebuilt.
public struct RebuildOptions: Hashable, Sendable {
  /// Whether the pages are copied into the image, each frame once: leaves that mapped the same frame, in any space,
  /// at any address and in pages of any size, do so again. A page that cannot be read completely stays where it is.
  /// The image takes as much memory as the pages do.
  public var movesPages = false
  /// The mark for pages that are copied at the first write: all writable leaves get it and become read-only; leaves
  /// that have it already are made read-only as well. Nil leaves them unchanged.
  public var copyOnWrite: BitTest?

  /// Pages stay where they are, and leaves keep their access.
  public init() {}
}

/// Spaces in a new compact image: only their tables, and, on request, their pages.
public struct RebuiltSpaces: Sendable {
  /// The image; the machine's other memory is listed as not readable, as in a capture.
  public let memory: MemoryBlock
  /// The new root of each space, in the order given. A root that cannot be read stays where it was.
  public let roots: [PhysicalAddress]
  /// Tables copied: distinct (table, level).
  public let tables: Int
  /// Entries and roots whose table cannot be read; they are unchanged.
  public let missingTables: UInt64
  /// Frames copied into the image.
  public let frames: UInt64
  /// Distinct pages that were to be copied but stay where they are, because they cannot be read completely.
  public let missingPages: UInt64
}

/// Copies the tables of all spaces into a new compact image and keeps the sharing: every table that some path
/// reaches gets pages of its own, once for each level at which it is reached.
///
/// The addresses of tables change. Those of pages, and the access of writable leaves, change as far as the options
/// say (as in hyperlight's snapshots, `Snapshot::new`). Marked and malformed entries and all other bits are
/// unchanged. Apart from these changes, a walk of the copy gives the same mappings, access and references for each
/// space. The image lies where neither frames of leaves nor memory of the machine are: above all of them, or else
/// in the highest gap that is large enough.
///
/// All is read from one moment of the memory. Memory use grows with the number of distinct tables and of moved pages, however many paths lead to them.
///
/// - Parameters:
///   - roots: the root tables, at least one; a root outside memory is unchanged, and counted.
///   - base: where the image must start, whatever is mapped there.
/// - Throws: `RebuildError`.
public func rebuild(
  _ roots: [PhysicalAddress], scheme: PagingScheme, in memory: any PhysicalMemory,
  at base: PhysicalAddress? = nil, options: RebuildOptions = RebuildOptions()
) throws(RebuildError) -> RebuiltSpaces {
  guard !roots.isEmpty else { throw .empty }
  let memory = memory.moment()
  let extent = memory.extent
  var copy = TableCopy(scheme: scheme, memory: memory, extent: extent, options: options)
  let nodes = roots.map { copy.node(TableReference(address: scheme.aligned(root: $0), level: 0)) }
  let rootBytes = copy.bytes
  copy.readAll()
  let bytes = copy.imageBytes
  let start: PhysicalAddress
  if let base {
    guard base.value & (copy.imageAlignment - 1) == 0 else {
      throw .misaligned(base, alignment: copy.imageAlignment)
    }
    guard !base.value.addingReportingOverflow(bytes).overflow else { throw .noRoom(bytes: bytes) }
    start = base
  } else {
    let limit = options.movesPages ? min(scheme.tableLimit, scheme.pageLimit) : scheme.tableLimit
    guard
      let place = copy.avoided.place(
        for: bytes, alignment: copy.imageAlignment, below: limit, headBytes: copy.tableStart &+ rootBytes,
        headLimit: scheme.rootAddress.limit)
    else { throw .noRoom(bytes: bytes) }
    start = place
  }
  let image = try copy.image(at: start)
  for node in nodes {
    guard let node else { continue }
    guard scheme.rootAddress.encoded(copy.address(of: node, from: start)) != nil else {
      throw .noRoom(bytes: bytes)
    }
  }
  return RebuiltSpaces(
    memory: MemoryBlock(start: start, words: image.words, holes: image.holes, surroundings: extent),
    roots: zip(nodes, roots).map { node, root in node.map { copy.address(of: $0, from: start) } ?? root },
    tables: copy.count, missingTables: copy.missingTables, frames: copy.pages.bytes / Frame.size,
    missingPages: copy.pages.missing)
}
