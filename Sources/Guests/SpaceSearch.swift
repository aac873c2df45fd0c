import MemoryImages
import PageTables

/// What the user fixed about the search for spaces.
public struct SpaceSearchOptions: Sendable {
  /// `--root NAME=PA`, in order. Given, these and no others are used, unless `scans` is set.
  public var roots: [(name: String, address: PhysicalAddress)] = []
  /// `--paging`; nil finds out.
  public var schemeName: String?
  /// `--c-bit` and the like.
  public var features = X86.Features()
  /// `--scan`: search although roots were given.
  public var scans = false

  public init() {}
}

/// Spaces, and what there is to say about the search.
public struct FoundSpaces: Sendable {
  /// In the order of listing: known ones first, possibly stale ones last.
  public var spaces: [FoundSpace] = []
  /// One line each.
  public var warnings: [String] = []
  /// Whether a scan could still add spaces.
  public var canScan = true

  public init() {}
}
