/// What an entry, or a whole path, allows to each of two privileges. A path allows what all its entries allow.
///
/// Where one bit forbids something to both privileges, as on x86, the user's rights follow from the same bits
/// (Intel SDM Vol. 3A, 4.6); elsewhere each privilege has bits of its own (Arm ARM, AP, PXN and UXN; EPT's
/// user-execute bit).
public struct Rights: OptionSet, Hashable, Sendable {
  /// One bit per right, those of the supervisor lowest.
  public let rawValue: UInt8

  /// The rights with the given bits.
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The supervisor may read.
  public static let read = Rights(rawValue: 1)
  /// The supervisor may write.
  public static let write = Rights(rawValue: 2)
  /// The supervisor may execute.
  public static let execute = Rights(rawValue: 4)
  /// The user may read.
  public static let userRead = Rights(rawValue: 8)
  /// The user may write.
  public static let userWrite = Rights(rawValue: 16)
  /// The user may execute.
  public static let userExecute = Rights(rawValue: 32)
  /// Everything, for both.
  public static let all = Rights(rawValue: 63)

  /// Whether the user may do anything at all.
  @inlinable
  public var isUser: Bool { rawValue >= Rights.userRead.rawValue }

  /// Writing, whichever privilege may.
  package static let writeOfEither: Rights = [.write, .userWrite]
  /// Execution, whichever privilege may.
  package static let executeOfEither: Rights = [.execute, .userExecute]
  /// All that the user may do.
  package static let ofUser: Rights = [.userRead, .userWrite, .userExecute]

  /// Whether one privilege may both write and execute.
  public var isWritableExecutable: Bool {
    isSuperset(of: [.write, .execute]) || isSuperset(of: [.userWrite, .userExecute])
  }
}

/// The rights of an entry or a path as three permissions, as x86 has them: whether the user has access, and whether
/// the least privileged party that has access may write and may execute.
public struct Access: OptionSet, Hashable, Sendable {
  /// One bit per permission.
  public let rawValue: UInt8

  /// The permissions with the given bits.
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The least privileged party that has access may write.
  public static let write = Access(rawValue: 1)
  /// The user has access.
  public static let user = Access(rawValue: 2)
  /// The least privileged party that has access may execute.
  public static let execute = Access(rawValue: 4)
  /// All three.
  public static let all = Access(rawValue: 7)

  /// The short form of some rights. It is lossless where the same bits determine the rights of both privileges.
  @inlinable
  public init(_ rights: Rights) {
    let own = rights.isUser ? rights.rawValue >> 3 : rights.rawValue
    // The rights of one privilege: bit 1 is write, bit 2 is execute.
    self.init(rawValue: (own >> 1) & 1 | (rights.isUser ? 2 : 0) | own & 4)
  }
}

extension Access {
  /// The permissions that are true.
  package init(write: Bool, user: Bool, execute: Bool) {
    self.init(rawValue: (write ? 1 : 0) | (user ? 2 : 0) | (execute ? 4 : 0))
  }

  /// What a table must allow for all of some rights to pass: what either privilege may.
  init(ofEither rights: Rights) {
    self.init(
      write: !rights.isDisjoint(with: .writeOfEither), user: rights.isUser,
      execute: !rights.isDisjoint(with: .executeOfEither))
  }

  /// As people read it: `rwxu`, a dash for what is not allowed.
  package var letters: String {
    "r" + (contains(.write) ? "w" : "-") + (contains(.execute) ? "x" : "-") + (contains(.user) ? "u" : "-")
  }
}

extension Rights {
  /// What an x86 path with these permissions allows: the supervisor may always read, and may do whatever the user
  /// may.
  @inlinable
  public init(_ access: Access) {
    let own: UInt8 = 1 | (access.rawValue & 1) << 1 | access.rawValue & 4
    self.init(rawValue: own | (access.contains(.user) ? own << 3 : 0))
  }

  /// The short form.
  @inlinable
  public var access: Access { Access(self) }

  /// Whether the short form is lossless.
  public var isPlain: Bool { self == Rights(access) }

  /// As people read it: the letters of the short form where that says everything, else what the supervisor may and
  /// what the user may, `rwx/rw-`.
  package var letters: String { apart ?? access.letters }

  /// What the supervisor may and what the user may, `rwx/rw-`; nil where the short form says everything.
  package var apart: String? {
    guard !isPlain else { return nil }
    let letters = String(zip(0..., "rwxrwx").map { bit, letter in rawValue >> bit & 1 == 1 ? letter : "-" })
    return letters.prefix(3) + "/" + letters.suffix(3)
  }
}

/// When an entry allows something; entries that point at tables may express it in other bits than leaves.
public struct AccessRule: Hashable, Sendable {
  /// The test for an entry that points at a table.
  public let table: BitTest
  /// The test for a leaf.
  public let leaf: BitTest

  /// A test for each kind of entry.
  public init(table: BitTest, leaf: BitTest) {
    self.table = table
    self.leaf = leaf
  }

  /// One test for both kinds of entry.
  public init(_ both: BitTest) {
    self.init(table: both, leaf: both)
  }
}

/// When an entry allows what to each privilege.
public struct RightsRules: Hashable, Sendable {
  /// When the supervisor may read.
  public var read: AccessRule
  /// When the supervisor may write.
  public var write: AccessRule
  /// When the supervisor may execute.
  public var execute: AccessRule
  /// When the user may read.
  public var userRead: AccessRule
  /// When the user may write.
  public var userWrite: AccessRule
  /// When the user may execute.
  public var userExecute: AccessRule

  /// Whether the user's rights follow from the supervisor's, given that the user has access at all.
  var isOneForBoth: Bool {
    let rules = [(userRead, userWrite, write), (userRead, userExecute, execute)]
    guard all.allSatisfy({ !$0.1.table.isInverted && !$0.1.leaf.isInverted }) else { return false }
    return rules.allSatisfy { user, both, supervisor in
      both == AccessRule(table: user.table.and(supervisor.table), leaf: user.leaf.and(supervisor.leaf))
    }
  }

  /// Each right has its own test.
  public init(
    read: AccessRule = AccessRule(.always), write: AccessRule, execute: AccessRule, userRead: AccessRule,
    userWrite: AccessRule, userExecute: AccessRule
  ) {
    self.read = read
    self.write = write
    self.execute = execute
    self.userRead = userRead
    self.userWrite = userWrite
    self.userExecute = userExecute
  }

  /// Three tests, as on x86: where the user has access at all, it may do what the supervisor may. None may be
  /// inverted.
  public init(write: BitTest, user: BitTest, execute: BitTest) {
    self.init(
      write: AccessRule(write), execute: AccessRule(execute), userRead: AccessRule(user),
      userWrite: AccessRule(user.and(write)), userExecute: AccessRule(user.and(execute)))
  }

  /// Entries that forbid nothing.
  public static let everything = RightsRules(write: .always, user: .always, execute: .always)

  /// Each right with its rule.
  var all: [(Rights, AccessRule)] {
    [
      (.read, read), (.write, write), (.execute, execute), (.userRead, userRead), (.userWrite, userWrite),
      (.userExecute, userExecute),
    ]
  }

  /// The bits of a leaf that any of the rules tests.
  var leafMask: UInt64 { all.reduce(0) { $0 | $1.1.leaf.mask } }

  /// The bits that any of the rules tests in an entry that points at a table.
  var tableMask: UInt64 { all.reduce(0) { $0 | $1.1.table.mask } }

  @usableFromInline @inline(__always)
  func rights(ofTable raw: UInt64) -> Rights {
    var bits: UInt8 = 0
    if read.table.matches(raw) { bits |= 1 }
    if write.table.matches(raw) { bits |= 2 }
    if execute.table.matches(raw) { bits |= 4 }
    if userRead.table.matches(raw) { bits |= 8 }
    if userWrite.table.matches(raw) { bits |= 16 }
    if userExecute.table.matches(raw) { bits |= 32 }
    return Rights(rawValue: bits)
  }

  @usableFromInline @inline(__always)
  func rights(ofLeaf raw: UInt64) -> Rights {
    var bits: UInt8 = 0
    if read.leaf.matches(raw) { bits |= 1 }
    if write.leaf.matches(raw) { bits |= 2 }
    if execute.leaf.matches(raw) { bits |= 4 }
    if userRead.leaf.matches(raw) { bits |= 8 }
    if userWrite.leaf.matches(raw) { bits |= 16 }
    if userExecute.leaf.matches(raw) { bits |= 32 }
    return Rights(rawValue: bits)
  }
}
