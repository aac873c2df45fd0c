/// Something in the tables that a person should look at.
public struct Finding: Hashable, Sendable {
  /// What is wrong; raw values as the command line names them.
  ///
  /// The most serious first: what lets a user change the tables is worst; then what lets one reach the kernel, or
  /// somebody run what was written; then what makes no sense; last, what says more of the dump or the machine than of
  /// the tables.
  public enum Kind: String, Sendable, CaseIterable {
    case userWritableTable = "user-writable-table"
    case userKernelMemory = "user-kernel-memory"
    case writableExecutable = "writable-executable"
    case malformedEntry = "malformed-entry"
    /// Bits are set that the manual reserves, but what ran the guest tolerated them: the entry was followed.
    case toleratedBits = "reserved-bits"
    case tableOutsideDump = "table-outside-dump"
  }

  /// What is wrong.
  public let kind: Kind
  /// The first affected space, by its number in the order given.
  public var spaceNumber: Int
  /// The first affected address; canonical.
  public let virtual: VirtualAddress
  /// Affected bytes of address space, contiguous.
  public var length: UInt64
  /// How many spaces are affected.
  public let spaces: Int
  /// The table that holds the first entry.
  public let table: TableReference
  /// The first entry's index in its table.
  public let slot: Int
  /// The first entry's value.
  public let raw: UInt64
  /// What the path to the address allows.
  public let rights: Rights
  /// The space's window that the address lies in, by number.
  public var window: Int

  /// What the path to the address allows, in the short form.
  public var access: Access { rights.access }

  /// Whether `next` reports the same for the addresses that follow directly, so that the two can be joined.
  func isContinued(by next: Finding) -> Bool {
    kind == next.kind && spaceNumber == next.spaceNumber && virtual.value &+ length == next.virtual.value
      && spaces == next.spaces && rights == next.rights && table.level == next.table.level
  }
}
