/// Why spaces could not be rebuilt.
public enum RebuildError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No roots were given.
  case empty
  /// The start of the image is no multiple of a page, or of the largest table or page in it.
  case misaligned(PhysicalAddress, alignment: UInt64)
  /// Entries or the root register do not reach a stretch of that many free bytes.
  case noRoom(bytes: UInt64)
  /// A leaf has no room for the mark.
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

/// What becomes of the pages that leaves map, when spaces are rebuilt.
public struct RebuildOptions: Hashable, Sendable {
  /// Whether the pages come along into the image, each frame once: leaves that mapped one frame, in whatever space, at
  /// whatever address and in pages of whatever size, map one again. A page that cannot be read in whole stays where it
  /// is. The image takes as much memory as the pages do.
  public var movesPages = false
  /// The mark of pages that are copied at the first write: all leaves that are writable get it, and are writable no
  /// more; those that have it already are not writable either. Nil leaves them as they are.
  public var copyOnWrite: BitTest?

  /// Pages stay where they are, and what they are.
  public init() {}
}

/// Spaces in a new compact image: nothing but their tables, and the pages that were asked to come along.
public struct RebuiltSpaces: Sendable {
  /// The image; the machine's other memory is known, and not readable, as in a capture.
  public let memory: MemoryBlock
  /// The new root of each space, in the order given. A root that cannot be read stays where it was.
  public let roots: [PhysicalAddress]
  /// Tables copied: distinct (table, level).
  public let tables: Int
  /// Entries, and roots, whose table cannot be read; they point where they did.
  public let missingTables: UInt64
  /// Frames that came along.
  public let frames: UInt64
  /// Distinct pages that were to come along and stay where they are, as they cannot be read in whole.
  public let missingPages: UInt64
}

/// Copies the tables of all spaces into a new compact image, with the sharing kept: every table that some
/// path reaches, at each level that it is reached at, gets pages of its own, once.
///
/// The addresses of tables change; those of pages, and what writable leaves are, as far as the options say (as
/// hyperlight's snapshots do, `Snapshot::new`); marked and malformed entries and all other bits stay as they are. So a
/// walk of the copy gives the same mappings, access and references, by place, but for that. The image lies where no
/// frame of a leaf and no memory of the machine is: above all of that, or else in the highest gap that is large enough.
///
/// Memory grows with the distinct tables, and the pages that move, however many paths lead to them.
///
/// - Parameters:
///   - roots: the root tables, at least one; a root outside memory stays, and is counted.
///   - base: where the image is to start, whatever is mapped there.
/// - Throws: `RebuildError`.
public func rebuild(
  _ roots: [PhysicalAddress], scheme: PagingScheme, in memory: any PhysicalMemory,
  at base: PhysicalAddress? = nil, options: RebuildOptions = RebuildOptions()
) throws(RebuildError) -> RebuiltSpaces {
  guard !roots.isEmpty else { throw .empty }
  var copy = TableCopy(scheme: scheme, memory: memory, options: options)
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
    memory: MemoryBlock(start: start, words: image.words, holes: image.holes, surroundings: memory.extent),
    roots: zip(nodes, roots).map { node, root in node.map { copy.address(of: $0, from: start) } ?? root },
    tables: copy.count, missingTables: copy.missingTables, frames: copy.pages.bytes / Frame.size,
    missingPages: copy.pages.missing)
}
