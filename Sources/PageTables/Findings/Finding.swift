/// Something in the tables that a person should look at.
public struct Finding: Hashable, Sendable {
  /// What is wrong, in the words of the command line.
  public enum Kind: String, Sendable, CaseIterable {
    case writableExecutable = "writable-executable"
    case userKernelMemory = "user-kernel-memory"
    case malformedEntry = "malformed-entry"
    /// Bits are set that the manual reserves, though what ran the guest let them pass: the entry was followed.
    case toleratedBits = "reserved-bits"
    case tableOutsideDump = "table-outside-dump"
    case userWritableTable = "user-writable-table"
  }

  /// What is wrong.
  public let kind: Kind
  /// The first space that has it, by its number in the order given.
  public var spaceNumber: Int
  /// The first address that it is about; canonical.
  public let virtual: VirtualAddress
  /// Bytes of address space, contiguous.
  public var length: UInt64
  /// How many spaces have it.
  public let spaces: Int
  /// The first entry: where it stands, and its raw value.
  public let table: TableReference
  /// The first entry's index in its table.
  public let slot: Int
  /// The first entry's value.
  public let raw: UInt64
  /// What the path to it allows.
  public let rights: Rights
  /// The space's window that the address lies in, by number.
  public var window: Int

  /// What the path to it allows, in the short form.
  public var access: Access { rights.access }

  /// Whether another one says the same of what comes next.
  func isContinued(by next: Finding) -> Bool {
    kind == next.kind && spaceNumber == next.spaceNumber && virtual.value &+ length == next.virtual.value
      && spaces == next.spaces && rights == next.rights && table.level == next.table.level
  }
}
