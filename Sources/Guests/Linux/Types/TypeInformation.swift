/// The kernel's own description of its types: BTF (`Documentation/bpf/btf.rst` of the kernel).
///
/// The section comes from the guest's memory and is untrusted: whatever is inconsistent is left out, and chains of
/// types that lead back to themselves are cut.
package struct TypeInformation: Sendable {
  /// A member of a structure or union, or of an anonymous member inside it.
  package struct Member: Hashable, Sendable {
    /// Bytes from the start of the outermost structure to the byte in which the member starts.
    package let offset: Int
    /// The bits in a bit field, and its first bit, counted from `offset`; both 0 for all other members.
    package let bitSize: Int
    package let bitOffset: Int
    /// The member's type, for further queries.
    package let type: TypeID
  }

  /// The number of a type; 0 is `void`.
  package struct TypeID: Hashable, Sendable {
    let number: Int
  }

  /// The kinds of types, as numbered in the section.
  enum Kind: UInt8 {
    case void, int, pointer, array, structure, union, enumeration, forward, typedef, volatile, const
    case restrict, function, prototype, variable, dataSection, float, declTag, typeTag, enumeration64
  }

  private let section: [UInt8]
  private let strings: Range<Int>
  /// Where each type's record starts; the first is `void`, which has none.
  private var records: [UInt32] = [0]
  private var named: [String: [UInt32]] = [:]

  private static let sectionLimit = 64 << 20
  private static let typeLimit = 1 << 22
  private static let depthLimit = 32
  private static let memberLimit = 1 << 16

  /// The number of types, including `void`.
  package var count: Int { records.count }

  /// Reads a section: its header, followed by types and strings.
  ///
  /// - Returns: nil when the header contradicts itself or the available bytes, or when there are no types.
  init?(_ section: [UInt8]) {
    guard let size = TypeInformation.size(ofHeader: section), size <= section.count else { return nil }
    let span = section.span.bytes
    let header = Int(span.entry(at: 4, size: 4))
    let types = header + Int(span.entry(at: 8, size: 4))
    let typesEnd = types + Int(span.entry(at: 12, size: 4))
    let strings = header + Int(span.entry(at: 16, size: 4))
    self.strings = strings..<strings + Int(span.entry(at: 20, size: 4))
    self.section = section
    var position = types
    while position + 12 <= typesEnd, records.count < TypeInformation.typeLimit {
      guard let length = recordLength(at: position), position + length <= typesEnd else { break }
      records.append(UInt32(position))
      position += length
    }
    guard records.count > 1 else { return nil }
    // Only types that are looked up by name: structures, unions, enumerations and aliases.
    for number in 1..<records.count {
      switch kind(number) {
      case .structure, .union, .enumeration, .enumeration64, .typedef:
        if let name = text(word(number, 0)), !name.isEmpty { named[name, default: []].append(UInt32(number)) }
      default: break
      }
    }
  }

  /// Bytes in the whole section, according to its header; nil where there is no valid header.
  static func size(ofHeader bytes: [UInt8]) -> Int? {
    guard bytes.count >= 24 else { return nil }
    let span = bytes.span.bytes
    // Magic, version 1, flags 0.
    guard span.entry(at: 0, size: 4) == 0x0001_eb9f else { return nil }
    let header = Int(span.entry(at: 4, size: 4))
    let types = (Int(span.entry(at: 8, size: 4)), Int(span.entry(at: 12, size: 4)))
    let strings = (Int(span.entry(at: 16, size: 4)), Int(span.entry(at: 20, size: 4)))
    guard header >= 24, header <= 4096, types.1 > 0, strings.1 > 0, types.0 % 4 == 0,
      types.0 + types.1 <= strings.0
    else { return nil }
    let size = header + strings.0 + strings.1
    return size <= sectionLimit ? size : nil
  }

  // MARK: Queries

  /// The structure or union with that name that has members.
  package func structure(_ name: String) -> TypeID? {
    guard let candidates = named[name] else { return nil }
    for number in candidates.map(Int.init) {
      if let kind = kind(number), kind == .structure || kind == .union, length(number) > 0 {
        return TypeID(number: number)
      }
    }
    // A name that stands for an anonymous structure.
    return candidates.lazy.map { self.resolved(TypeID(number: Int($0))) }.first {
      let kind = self.kind($0.number)
      return kind == .structure || kind == .union
    }
  }

  /// Bytes in the structure or union with that name.
  package func size(of structure: String) -> Int? { self.structure(structure).flatMap { size(of: $0) } }

  /// A member by name, including members of anonymous structures inside; `a.b` means member `b` of member `a`.
  package func member(_ path: String, of structure: String) -> Member? {
    guard var type = self.structure(structure) else { return nil }
    var offset = 0
    var found: Member?
    var budget = TypeInformation.memberLimit
    for name in path.split(separator: ".") {
      guard let member = member(name.utf8, in: type, depth: 0, &budget) else { return nil }
      offset += member.offset
      type = member.type
      found = Member(offset: offset, bitSize: member.bitSize, bitOffset: member.bitOffset, type: type)
    }
    return found
  }

  /// Byte offset of a member; nil where there is none or it is a bit field.
  package func offset(of path: String, in structure: String) -> Int? {
    member(path, of: structure).flatMap { $0.bitSize == 0 ? $0.offset : nil }
  }

  /// Bytes in a type, following aliases and qualifiers; nil for types without a size.
  package func size(of type: TypeID, pointerSize: Int = 8) -> Int? {
    size(type, pointerSize, depth: 0)
  }

  /// The element type of an array type, and the number of elements; nil for all other types.
  package func array(_ type: TypeID) -> (element: TypeID, count: Int)? {
    let type = resolved(type).number
    guard kind(type) == .array else { return nil }
    return (TypeID(number: word(type, 3)), word(type, 5))
  }

  /// The value of a constant of the named enumeration.
  package func value(of constant: String, in enumeration: String) -> Int64? {
    for number in (named[enumeration] ?? []).map(Int.init) {
      let isWide = kind(number) == .enumeration64
      guard isWide || kind(number) == .enumeration else { continue }
      for index in 0..<length(number) {
        let entry = 3 + index * (isWide ? 3 : 2)
        guard isNamed(constant.utf8, word(number, entry)) else { continue }
        let low = UInt32(truncatingIfNeeded: word(number, entry + 1))
        guard isWide else { return Int64(Int32(bitPattern: low)) }
        return Int64(word(number, entry + 2)) &<< 32 | Int64(low)
      }
    }
    return nil
  }

  /// The constants of a 32-bit enumeration, in the order of declaration; empty where there is none.
  func constants(of enumeration: String) -> [(name: String, value: Int64)] {
    for number in (named[enumeration] ?? []).map(Int.init) where kind(number) == .enumeration {
      return (0..<length(number)).compactMap { index in
        text(word(number, 3 + index * 2)).map { name in
          (name, Int64(Int32(truncatingIfNeeded: word(number, 4 + index * 2))))
        }
      }
    }
    return []
  }

  /// The type with aliases and qualifiers removed.
  func resolved(_ type: TypeID) -> TypeID {
    var number = type.number
    for _ in 0..<TypeInformation.depthLimit {
      switch kind(number) {
      case .typedef, .volatile, .const, .restrict, .typeTag: number = word(number, 2)
      default: return TypeID(number: number)
      }
    }
    return TypeID(number: 0)
  }

  // MARK: Records

  private func member(_ name: Substring.UTF8View, in type: TypeID, depth: Int, _ budget: inout Int)
    -> Member?
  {
    let number = resolved(type).number
    guard depth < TypeInformation.depthLimit, kind(number) == .structure || kind(number) == .union else {
      return nil
    }
    let hasBitFields = word(number, 1) >> 31 & 1 == 1
    var anonymous: [(type: TypeID, offset: Int)] = []
    for index in 0..<length(number) {
      // Structures that contain themselves, many times over, must not be followed forever.
      guard budget > 0 else { return nil }
      budget -= 1
      let entry = 3 + index * 3
      let raw = word(number, entry + 2)
      let bits = hasBitFields ? raw & 0xff_ffff : raw
      let bitSize = hasBitFields ? raw >> 24 : 0
      let memberType = TypeID(number: word(number, entry + 1))
      let nameOffset = word(number, entry)
      if isNamed(name, nameOffset) {
        return Member(offset: bits / 8, bitSize: bitSize, bitOffset: bits % 8, type: memberType)
      }
      if isNamed("".utf8, nameOffset), bitSize == 0 { anonymous.append((memberType, bits / 8)) }
    }
    for inner in anonymous {
      if let found = member(name, in: inner.type, depth: depth + 1, &budget) {
        return Member(
          offset: inner.offset + found.offset, bitSize: found.bitSize, bitOffset: found.bitOffset,
          type: found.type)
      }
    }
    return nil
  }

  private func size(_ type: TypeID, _ pointerSize: Int, depth: Int) -> Int? {
    let number = resolved(type).number
    guard depth < TypeInformation.depthLimit else { return nil }
    switch kind(number) {
    case .int, .structure, .union, .enumeration, .enumeration64, .float: return word(number, 2)
    case .pointer: return pointerSize
    case .array:
      guard let element = size(TypeID(number: word(number, 3)), pointerSize, depth: depth + 1) else {
        return nil
      }
      let (size, overflow) = element.multipliedReportingOverflow(by: word(number, 5))
      return overflow ? nil : size
    default: return nil
    }
  }

  private func recordLength(at position: Int) -> Int? {
    let info = section.span.bytes.entry(at: position + 4, size: 4)
    let count = Int(info & 0xffff)
    switch Kind(rawValue: UInt8(info >> 24 & 0x1f)) {
    case .int, .variable, .declTag: return 16
    case .pointer, .forward, .typedef, .volatile, .const, .restrict, .function, .float, .typeTag: return 12
    case .array: return 24
    case .structure, .union, .dataSection, .enumeration64: return 12 + count * 12
    case .enumeration, .prototype: return 12 + count * 8
    case .void, nil: return nil
    }
  }

  private func kind(_ number: Int) -> Kind? {
    guard number > 0, number < records.count else { return .void }
    return Kind(rawValue: UInt8(word(number, 1) >> 24 & 0x1f))
  }

  private func length(_ number: Int) -> Int { word(number, 1) & 0xffff }

  /// A 32-bit word of a record; 0 outside the section, which is neither a type nor a name.
  private func word(_ number: Int, _ index: Int) -> Int {
    guard number > 0, number < records.count else { return 0 }
    let position = Int(records[number]) + index * 4
    guard position + 4 <= strings.lowerBound else { return 0 }
    return Int(section.span.bytes.entry(at: position, size: 4))
  }

  private func isNamed(_ name: some Collection<UInt8>, _ offset: Int) -> Bool {
    let start = strings.lowerBound + offset
    guard start + name.count < strings.upperBound else { return false }
    return section[start..<start + name.count].elementsEqual(name) && section[start + name.count] == 0
  }

  private func text(_ offset: Int) -> String? {
    guard offset < strings.count else { return nil }
    let bytes = section[
      (strings.lowerBound + offset)..<min(strings.upperBound, strings.lowerBound + offset + 256)]
    guard let end = bytes.firstIndex(of: 0) else { return nil }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}
