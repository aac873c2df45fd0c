/// What the guest uses a page frame for.
public struct FrameUse: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, Codable {
    case pageTable = "page-table"
    case slab
    case pageCache = "page-cache"
    case anonymous
    /// A page of the pool of huge pages (hugetlbfs).
    case huge
    case free
    case reserved
    /// Anything else that the kernel took for itself.
    case kernel
  }

  public let kind: Kind
  /// The file whose cache it is, or the name of the slab's cache; nil where that cannot be known. Untrusted text.
  public let detail: String?
  /// For page cache: where in the file the page lies, in bytes.
  public let fileOffset: UInt64?
  /// Names of the flags that are set in the frame's descriptor, as the guest calls them.
  public let flags: [String]
  /// How many entries map it, as the guest counts; nil where it keeps no such count for it.
  public let mapCount: Int?
  /// How many references are held.
  public let references: Int?

  public init(
    kind: Kind, detail: String? = nil, fileOffset: UInt64? = nil, flags: [String] = [], mapCount: Int? = nil,
    references: Int? = nil
  ) {
    self.kind = kind
    self.detail = detail
    self.fileOffset = fileOffset
    self.flags = flags
    self.mapCount = mapCount
    self.references = references
  }
}
