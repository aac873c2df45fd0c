/// What a field of an entry is for. The views choose by role; no view knows a bit number.
public enum FieldRole: String, Sendable {
  case present, write, user, executeDisable, accessed, dirty, global, pageSize
  case memoryType, protectionKey, address, available, reserved, encryption, copyOnWrite
}

/// A named group of bits of an entry, as the manual has it.
public struct EntryField: Hashable, Sendable {
  /// The manual's short name: `R/W`, `XD`, `PAT`.
  public let name: String
  /// The field's lowest bit.
  public let lowBit: Int
  /// The field's highest bit, this one included.
  public let highBit: Int
  /// What it is for.
  public let role: FieldRole
  /// What it means when set (or, of several bits, what the number is).
  public let meaning: String
  /// What it means when clear; empty when that says nothing.
  public let clearMeaning: String
  /// What the entry's bits have to be for the field to be set, where it is a pattern of bits that are fields of their
  /// own besides; its number is then 1, or 0.
  public let pattern: BitTest?

  /// A field of the bits `lowBit` to `highBit`, of one bit where no other is given.
  public init(
    _ name: String, _ lowBit: Int, through highBit: Int? = nil, _ role: FieldRole, _ meaning: String,
    clear: String = ""
  ) {
    self.name = name
    self.lowBit = lowBit
    self.highBit = highBit ?? lowBit
    self.role = role
    self.meaning = meaning
    self.clearMeaning = clear
    pattern = nil
  }

  /// A field that is set where a test is true of the entry.
  public init(_ name: String, _ role: FieldRole, _ meaning: String, where test: BitTest) {
    self.name = name
    self.role = role
    self.meaning = meaning
    clearMeaning = ""
    pattern = test
    lowBit = min(test.mask.trailingZeroBitCount, 63)
    highBit = max(63 - test.mask.leadingZeroBitCount, lowBit)
  }

  /// The bits of the entry that belong to the field.
  public var mask: UInt64 { bits(lowBit, through: highBit) }

  /// The field's number in an entry.
  public func value(in raw: UInt64) -> UInt64 {
    if let pattern { return pattern.matches(raw) ? 1 : 0 }
    return (raw & mask) >> UInt64(lowBit)
  }

  /// Whether it is set or clear, rather than a number.
  public var isYesOrNo: Bool { pattern != nil || lowBit == highBit }

  /// Whether it belongs among the flags of a mapping: everything but the address, what permissions already
  /// say, and what is the same in every entry of its kind.
  public var isFlag: Bool {
    switch role {
    case .accessed, .dirty, .global, .memoryType, .protectionKey, .available, .encryption, .copyOnWrite: true
    case .present, .write, .user, .executeDisable, .pageSize, .address, .reserved: false
    }
  }
}
