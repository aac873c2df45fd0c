/// What changed of a virtual address between two moments. The kinds exclude each other for one address: the first that
/// applies is the answer.
public struct ChangeKinds: OptionSet, Hashable, Sendable {
  /// One bit per kind.
  public let rawValue: UInt8

  /// The kinds with the given bits.
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Nothing was mapped, and now a frame is.
  public static let added = ChangeKinds(rawValue: 1)
  /// A frame was mapped, and now nothing is.
  public static let removed = ChangeKinds(rawValue: 2)
  /// An entry that maps nothing but in which software keeps something came, went, or keeps something else.
  public static let marked = ChangeKinds(rawValue: 4)
  /// Another frame is mapped.
  public static let moved = ChangeKinds(rawValue: 8)
  /// The same frame is mapped, with other rights.
  public static let access = ChangeKinds(rawValue: 16)
  /// The same frame is mapped with the same rights, but with other bits: by a page of another size, with another
  /// memory type, another software bit. Accessed and dirty bits count where they are asked for.
  public static let bits = ChangeKinds(rawValue: 32)

  /// All kinds that neither add nor remove.
  public static let changed: ChangeKinds = [.marked, .moved, .access, .bits]

  /// The word for a single kind.
  package var name: String {
    switch self {
    case .added: "added"
    case .removed: "removed"
    case .moved: "moved"
    case .access: "access"
    case .marked: "marked"
    default: "bits"
    }
  }
}

/// What the entries of a range map or keep, at one of two moments.
public enum RangeContent: Hashable, Sendable {
  /// Nothing: absent entries, and those on which the processor faults.
  case nothing
  /// Frames.
  case page(MappedContent)
  /// Entries that map nothing, and in which software keeps something.
  case mark(MarkedContent)
}

/// Pages with equal attributes and contiguous frames.
public struct MappedContent: Hashable, Sendable {
  /// The physical address of the first byte of the range.
  public var physical: PhysicalAddress
  /// Index into the scheme's levels.
  public let level: Int
  /// The raw entry of the first page; all others have the same bits outside the address, but for accessed and dirty
  /// bits where these do not count.
  public let raw: UInt64
  /// Bytes in a page, which may be larger than the range: a part of a huge page can change.
  public let pageSize: UInt64
  /// What the whole path allows.
  public let rights: Rights
}

/// Entries that map nothing, with equal marks.
public struct MarkedContent: Hashable, Sendable {
  /// Index into the scheme's levels.
  public let level: Int
  /// The raw value of the first entry.
  public let raw: UInt64
  /// The name of the mark; nil where the scheme has no mark for it.
  public let name: String?
  /// The physical address that the first entry keeps; nil where it keeps none.
  public var physical: PhysicalAddress?
}

/// Consecutive addresses of a space of which the same changed in the same way.
public struct ChangedRange: Hashable, Sendable {
  /// The first address; canonical.
  public var virtual: VirtualAddress
  /// Bytes, at least 1.
  public var length: UInt64
  /// What changed: one kind.
  public let kind: ChangeKinds
  /// What was there.
  public let old: RangeContent
  /// What is there now.
  public let new: RangeContent
  /// The space's window that it lies in, by number.
  public let window: Int

  /// One past the last byte, wrapping to 0 at the top of the address space.
  public var end: UInt64 { virtual.value &+ length }
}
