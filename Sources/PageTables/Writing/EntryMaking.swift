extension PagingLevel {
  /// The bits of those leaf fields that have a given role.
  private func leafBits(_ role: FieldRole) -> UInt64 {
    leafFields.reduce(0) { $1.role == role && $1.pattern == nil ? $0 | $1.mask : $0 }
  }

  /// The accessed bit of entries that point at tables. Entries without permissions have no processor-defined one:
  /// that of a PAE root is set by an emulator, and reserved (Intel SDM Vol. 3A, 4.4.1).
  private var tableAccessedBits: UInt64 {
    guard tableFields.contains(where: { $0.role == .write }) else { return 0 }
    return tableFields.reduce(0) { $1.role == .accessed ? $0 | $1.mask : $0 }
  }

  /// A leaf that allows `access`; if `isUsed`, it is accessed and dirty, where the level has such bits.
  func leaf(at frame: PhysicalAddress, access: Access, isUsed: Bool) throws(EncodingError) -> UInt64 {
    let raw = try format.leaf(at: frame, access: access)
    return isUsed ? raw | leafBits(.accessed) | leafBits(.dirty) : raw
  }

  /// A leaf of this level with the attributes of a leaf of another level. Fields are matched by name, as their
  /// positions may differ (the PAT bit of x86 moves). Access and address are not copied.
  func leaf(
    at frame: PhysicalAddress, rights: Rights, keeping raw: UInt64, of other: PagingLevel
  ) throws(EncodingError) -> UInt64 {
    var leaf = try format.leaf(at: frame, rights: rights)
    for field in leafFields where field.isAttribute {
      guard let same = other.leafFields.first(where: { $0.name == field.name && $0.isAttribute }) else {
        continue
      }
      leaf |= same.value(in: raw) << UInt64(field.lowBit) & field.mask
    }
    guard format.kind(of: leaf) == .leaf, format.rights(of: leaf, kind: .leaf) == rights else {
      throw .access(rights.access)
    }
    return leaf
  }

  /// The leaf turned into one whose page is copied at the first write: not writable, with the bits of `mark`, and
  /// otherwise unchanged.
  func leaf(_ raw: UInt64, copyingOnWriteBy mark: BitTest) throws(EncodingError) -> UInt64 {
    let access = format.access(of: raw, kind: .leaf)
    let address = format.leafAddress.address(in: raw)
    let permission =
      try format.leaf(at: address, access: access)
      ^ format.leaf(at: address, access: access.subtracting(.write))
    let leaf = (raw ^ permission) & ~mark.mask | mark.value
    guard mark.matches(leaf), format.kind(of: leaf) == .leaf,
      format.access(of: leaf, kind: .leaf) == access.subtracting(.write),
      format.leafAddress.address(in: leaf) == address
    else { throw .noSuchMark("copy-on-write") }
    return leaf
  }

  /// An entry that points at a table and allows `access`, or everything where entries of this level cannot forbid
  /// that; if `isAccessed`, it is accessed, where the level has such a bit.
  func entry(
    pointingAt table: PhysicalAddress, access: Access, isAccessed: Bool
  ) throws(EncodingError) -> UInt64 {
    var raw = try format.entry(pointingAt: table)
    do throws(EncodingError) {
      raw = try format.entry(pointingAt: table, access: access)
    } catch {
      // In this case the entry allows everything.
    }
    return isAccessed ? raw | tableAccessedBits : raw
  }

  /// What an entry made by `entry(pointingAt:access:isAccessed:)` allows.
  func tableRights(for access: Access) -> Rights {
    guard let raw = try? entry(pointingAt: PhysicalAddress(0), access: access, isAccessed: false) else {
      return Rights(access)
    }
    return format.rights(of: raw, kind: .table)
  }

  /// Whether a leaf is accessed; true where the level has no such bit.
  func isAccessed(_ raw: UInt64) -> Bool {
    let bits = leafBits(.accessed)
    return raw & bits == bits
  }
}

extension EntryField {
  /// Whether it is an attribute of a page of any size, rather than part of its kind, address or permissions.
  fileprivate var isAttribute: Bool {
    // The bits of a pattern are fields of their own.
    guard pattern == nil else { return false }
    return switch role {
    case .present, .read, .write, .execute, .user, .executeDisable, .supervisorExecuteDisable,
      .userExecuteDisable, .pageSize, .address, .reserved:
      false
    default: true
    }
  }
}

extension Frame {
  /// Where the frame starts; throws for a number beyond all addresses, rather than wrapping to another frame.
  func address() throws(EncodingError) -> PhysicalAddress {
    guard start.frame == self else { throw .address(PhysicalAddress(.max)) }
    return start
  }
}
