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
    /// Used by the kernel in any other way.
    case kernel
  }

  package let kind: Kind
  /// The file that the page cache holds, or the name of the slab's cache; nil where unknown. Untrusted text.
  package let detail: String?
  /// For page cache: the offset of the page in the file, in bytes.
  package let fileOffset: UInt64?
  /// The guest's names for the flags set in the frame's descriptor.
  package let flags: [String]
  /// How many entries map it, by the guest's own count; nil where the guest keeps none for it.
  package let mapCount: Int?
  /// The number of references held.
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
