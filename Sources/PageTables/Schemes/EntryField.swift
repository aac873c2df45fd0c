/// What a field of an entry is for. The views choose by role; no view knows a bit number. What an entry allows is
/// decided by the rules of its format alone: a role says what a field is about, not which value of it allows.
public enum FieldRole: String, Sendable {
  case present
  /// Allows reading where it is set: RISC-V's R.
  case read
  /// Allows execution where it is set: RISC-V's X.
  case execute
  /// Decides about writing: set may stand for writable, as x86's R/W, or for read-only, as Arm's AP[2]. The field's
  /// meanings say which.
  case write
  /// Decides whether the user may come here. Set may stand for either, as with `write`.
  case user
  /// Forbids execution where it is set, to both privileges: x86's XD.
  case executeDisable
  /// Forbids execution where it is set, to the supervisor: Arm's PXN. As rights do not say it in one word, it is a
  /// flag as well.
  case supervisorExecuteDisable
  /// Forbids execution where it is set, to the user: Arm's UXN. A flag like the supervisor's.
  case userExecuteDisable
  case accessed, dirty, global, pageSize
  case memoryType, protectionKey, address, available, reserved, encryption, copyOnWrite
  /// Tells the processor something that changes neither what is mapped nor who may do what.
  case hint
}

/// A named group of bits of an entry, as defined in the manual.
public struct EntryField: Hashable, Sendable {
  /// The manual's short name: `R/W`, `XD`, `PAT`.
  public let name: String
  /// The field's lowest bit.
  public let lowBit: Int
  /// The field's highest bit, inclusive.
  public let highBit: Int
  /// Its purpose.
  public let role: FieldRole
  /// What it means when set; for a field of several bits, what the number is.
  public let meaning: String
  /// What it means when clear; empty where clear has no meaning worth showing.
  public let clearMeaning: String
  /// For a field that stands for a combination of bits which are also fields of their own: the test that the entry
  /// passes when the field is set. Its value is then 1, otherwise 0.
  public let pattern: BitTest?
  /// Whether clear, rather than set, is what the role says: Arm's nG.
  public let isInverted: Bool

  /// The manual's names of its values, from 0 on; empty where they have none.
  public let valueNames: [String]
  /// Whether a register gives the values these names: then they are no matter of the entry, and of what is known of the
  /// machine by chance.
  public let isNamedByRegister: Bool

  /// A field of the bits `lowBit` to `highBit`; of one bit by default.
  public init(
    _ name: String, _ lowBit: Int, through highBit: Int? = nil, _ role: FieldRole, _ meaning: String,
    clear: String = "", isInverted: Bool = false, values valueNames: [String] = [],
    isNamedByRegister: Bool = false
  ) {
    self.name = name
    self.lowBit = lowBit
    self.highBit = highBit ?? lowBit
    self.role = role
    self.meaning = meaning
    self.clearMeaning = clear
    self.valueNames = valueNames
    self.isNamedByRegister = isNamedByRegister
    pattern = nil
    self.isInverted = isInverted
  }

  /// A field that is set where the entry passes a test.
  public init(_ name: String, _ role: FieldRole, _ meaning: String, where test: BitTest) {
    self.name = name
    self.role = role
    self.meaning = meaning
    clearMeaning = ""
    valueNames = []
    isNamedByRegister = false
    pattern = test
    isInverted = false
    lowBit = min(test.mask.trailingZeroBitCount, 63)
    highBit = max(63 - test.mask.leadingZeroBitCount, lowBit)
  }

  /// The bits of the entry that belong to the field.
  public var mask: UInt64 { bits(lowBit, through: highBit) }

  /// The field's value in an entry.
  public func value(in raw: UInt64) -> UInt64 {
    if let pattern { return pattern.matches(raw) ? 1 : 0 }
    return (raw & mask) >> UInt64(lowBit)
  }

  /// Whether an entry is what the role says: accessed, dirty, global.
  public func holds(in raw: UInt64) -> Bool { (value(in: raw) != 0) != isInverted }

  /// What a value of it means: the value's name, and what is set or clear.
  public func meaning(of value: UInt64) -> String {
    let text = value == 0 ? clearMeaning : meaning
    guard value < UInt64(valueNames.count) else { return text }
    return text.isEmpty ? valueNames[Int(value)] : "\(valueNames[Int(value)]), \(text)"
  }

  /// The field as a flag of a mapping: its name, the name of its value, or both name and number.
  public func flag(of value: UInt64) -> String {
    if value < UInt64(valueNames.count) { return valueNames[Int(value)] }
    return isYesOrNo ? name : "\(name)=\(value)"
  }

  /// Whether it is either set or clear, rather than a number.
  public var isYesOrNo: Bool { pattern != nil || lowBit == highBit }

  /// Whether it belongs among the flags of a mapping: everything but the address, what permissions in one word
  /// already say, and what is the same in every entry of its kind.
  public var isFlag: Bool {
    switch role {
    case .accessed, .dirty, .global, .memoryType, .protectionKey, .available, .encryption, .copyOnWrite,
      .supervisorExecuteDisable, .userExecuteDisable, .hint:
      true
    case .present, .read, .write, .execute, .user, .executeDisable, .pageSize, .address, .reserved: false
    }
  }
}
