/// What the guest uses a page frame for.
package struct FrameUse: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, Codable {
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

  package let kind: Kind
  /// The file whose cache it is, or the name of the slab's cache; nil where that cannot be known. Untrusted text.
  package let detail: String?
  /// For page cache: where in the file the page lies, in bytes.
  package let fileOffset: UInt64?
  /// Names of the flags that are set in the frame's descriptor, as the guest calls them.
  package let flags: [String]
  /// How many entries map it, as the guest counts; nil where it keeps no such count for it.
  package let mapCount: Int?
  /// How many references are held.
  package let references: Int?

  package init(
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
