/// What an entry is, as the processor reads it.
public enum EntryKind: UInt8, Sendable {
  /// Not present, and nothing is in it.
  case absent
  /// Not present for the processor, yet software keeps something in it: a swap slot, PROT_NONE, a guard mark.
  case marked
  /// Points at a table one level down.
  case table
  /// Maps a frame.
  case leaf
  /// Present, with reserved bits set or in a form that this level does not allow: the processor faults.
  case malformed
}

/// What one entry allows, or a whole path: a path allows what all its entries allow.
public struct Access: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let write = Access(rawValue: 1)
  public static let user = Access(rawValue: 2)
  public static let execute = Access(rawValue: 4)
  public static let all = Access(rawValue: 7)
}

/// When an entry allows something; an entry that points at a table may say it in other bits than a leaf.
public struct AccessRule: Hashable, Sendable {
  public let table: BitTest
  public let leaf: BitTest

  public init(table: BitTest, leaf: BitTest) {
    self.table = table
    self.leaf = leaf
  }

  public init(_ both: BitTest) {
    self.init(table: both, leaf: both)
  }
}

/// The part of a level's description that the walker works with: a plain value of masks, nothing to retain.
public struct EntryFormat: Hashable, Sendable {
  /// Bytes in an entry: 4 or 8.
  public var entrySize: Int
  /// Whether the processor looks at the entry at all.
  public var present: BitTest
  /// Whether a present entry points at a table; otherwise it is a leaf.
  public var pointsAtTable: BitTest
  /// Present forms that are faults whatever the reserved bits say.
  public var faulty: BitTest = .never
  public var tableAddress: AddressFormat
  public var leafAddress: AddressFormat
  /// Bits that must be 0 where the entry points at a table.
  public var tableReserved: UInt64
  /// Bits that must be 0 where the entry is a leaf.
  public var leafReserved: UInt64
  /// Bits that the manual reserves where the entry points at a table, and that emulators and some virtual machines
  /// do not mind: the entry is followed all the same.
  public var tableTolerated: UInt64 = 0
  public var write: AccessRule
  public var user: AccessRule
  public var execute: AccessRule

  @inlinable
  public func kind(of raw: UInt64) -> EntryKind {
    guard present.matches(raw) else { return raw == 0 ? .absent : .marked }
    if faulty.matches(raw) { return .malformed }
    if pointsAtTable.matches(raw) { return raw & tableReserved == 0 ? .table : .malformed }
    return raw & leafReserved == 0 ? .leaf : .malformed
  }

  /// What this entry by itself allows.
  @inlinable
  public func access(of raw: UInt64, kind: EntryKind) -> Access {
    let isTable = kind == .table
    var access: Access = []
    if (isTable ? write.table : write.leaf).matches(raw) { access.formUnion(.write) }
    if (isTable ? user.table : user.leaf).matches(raw) { access.formUnion(.user) }
    if (isTable ? execute.table : execute.leaf).matches(raw) { access.formUnion(.execute) }
    return access
  }
}
