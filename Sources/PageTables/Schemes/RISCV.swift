/// The page-based virtual-memory modes of RISC-V (RISC-V Privileged Specification, chapter "Supervisor-Level ISA":
/// sections Sv32, Sv39, Sv48, Sv57, Svnapot, Svpbmt, Svrsw60t59b).
///
/// Only leaves have permissions; an entry that points at a table restricts nothing. A page of the user is never
/// executed by the supervisor, which reads and writes it while `sstatus.SUM` is set. Rights are what the tables
/// allow: `SUM` is a matter of the moment, as SMAP's AC flag is on x86, and is taken as set; `MXR`, by which what
/// may be executed may also be read, is taken as clear.
public enum RISCV {
  /// 32-bit addresses, physical ones of 34 bits, 4-byte entries: 4 KiB and 4 MiB pages (section Sv32).
  public static func sv32() -> PagingScheme {
    let shape = RISCVEntry(size: 4, numberBits: 10...31)
    return PagingScheme(
      name: "riscv-sv32", title: "RISC-V Sv32", virtualAddressBits: 32, isSignExtended: false,
      rootRegister: "satp", rootAddress: AddressFormat(mask: bits(0, through: 21), shift: 12),
      rootAlignment: 4096, levels: shape.levels(count: 2, indexBits: 10))
  }

  /// 39-bit addresses, 3 levels: pages of 4 KiB, 64 KiB (Svnapot), 2 MiB and 1 GiB (section Sv39).
  public static func sv39() -> PagingScheme { long("sv39", levels: 3) }

  /// 48-bit addresses, 4 levels: as Sv39, and pages of 512 GiB (section Sv48).
  public static func sv48() -> PagingScheme { long("sv48", levels: 4) }

  /// 57-bit addresses, 5 levels: as Sv48, and pages of 256 TiB (section Sv57).
  public static func sv57() -> PagingScheme { long("sv57", levels: 5) }

  /// All modes, the most capable first.
  public static func all() -> [PagingScheme] { [sv57(), sv48(), sv39(), sv32()] }

  /// What satp's MODE selects where registers have 64 bits, its fields being MODE 63:60, ASID 59:44 and PPN 43:0
  /// (section "Supervisor Address Translation and Protection (satp) Register"); nil where nothing is translated, and
  /// for reserved modes.
  public static func scheme(satp: UInt64) -> PagingScheme? {
    switch satp >> 60 {
    case 8: sv39()
    case 9: sv48()
    case 10: sv57()
    default: nil
    }
  }

  /// The same where registers have 32 bits: MODE 31, ASID 30:22, PPN 21:0.
  public static func scheme(satp: UInt32) -> PagingScheme? { satp >> 31 == 1 ? sv32() : nil }

  private static func long(_ mode: String, levels: Int) -> PagingScheme {
    let shape = RISCVEntry(size: 8, numberBits: 10...53)
    return PagingScheme(
      name: "riscv-" + mode, title: "RISC-V S" + mode.dropFirst(), virtualAddressBits: 12 + 9 * levels,
      isSignExtended: true, rootRegister: "satp",
      rootAddress: AddressFormat(mask: bits(0, through: 43), shift: 12), rootAlignment: 4096,
      levels: shape.levels(count: levels, indexBits: 9))
  }
}

/// What the entries of all modes have in common; those of 8 bytes have more above the physical page number.
private struct RISCVEntry {
  let size: Int
  /// The bits of the physical page number (PPN), which stands two bits below the address that it makes.
  let numberBits: ClosedRange<Int>

  private var isLong: Bool { size == 8 }

  private enum Bit {
    static let read = 1
    static let write = 2
    static let execute = 3
    static let user = 4
    static let accessed = 6
    static let dirty = 7
    static let napot = 63
  }

  /// The levels as the manual numbers them, the root having the highest number and the last one 0.
  func levels(count: Int, indexBits: Int) -> [PagingLevel] {
    (0..<count).reversed().map { number in
      level(number, shift: 12 + indexBits * number, indexBits: indexBits)
    }
  }

  private func level(_ number: Int, shift: Int, indexBits: Int) -> PagingLevel {
    let isLast = number == 0
    let table = AddressFormat(mask: bits(numberBits.lowerBound, through: numberBits.upperBound), shift: 2)
    let page = AddressFormat(mask: bits(shift - 2, through: numberBits.upperBound), shift: 2)
    return PagingLevel(
      name: "L\(number)", shift: shift, indexBits: indexBits,
      format: EntryFormat(
        entrySize: size, present: .set(0),
        pointsAtTable: isLast ? .never : Self.isPointer, faulty: faulty(isLast: isLast),
        tableAddress: table, leafAddress: page, tableReserved: tableReserved,
        leafReserved: leafReserved(shift: shift, isLast: isLast), rights: Self.rights,
        contiguous: isLast && isLong ? ContiguousForm(test: .set(Bit.napot), entryBits: 4) : nil),
      tableFields: isLast ? [] : tableFields, leafFields: leafFields(number, page: page))
  }

  /// R, W and X are 0.
  private static let isPointer = BitTest(mask: bits(Bit.read, through: Bit.execute), value: 0)

  /// Table "Encoding of PTE R/W/X fields", and the same for an entry that points at a table and the privileges.
  private static let rights: RightsRules = {
    let user = BitTest.set(Bit.user)
    func leaf(_ test: BitTest) -> AccessRule { AccessRule(table: .always, leaf: test) }
    return RightsRules(
      read: leaf(.set(Bit.read)), write: leaf(.set(Bit.write)),
      execute: leaf(BitTest.set(Bit.execute).and(.clear(Bit.user))),
      userRead: leaf(user.and(.set(Bit.read))), userWrite: leaf(user.and(.set(Bit.write))),
      userExecute: leaf(user.and(.set(Bit.execute))))
  }()

  /// Encodings that are reserved whatever the other bits are: W without R, a pointer at the last level, PBMT = 3
  /// (Svpbmt), and N with anything but 1000 in the low bits of the page number (Svnapot: 64 KiB is the only size).
  private func faulty(isLast: Bool) -> FaultyForms {
    var forms = [
      BitTest(mask: bits(Bit.read, through: Bit.write), value: 1 << UInt64(Bit.write))
    ]
    if isLast { forms.append(Self.isPointer) }
    guard isLong else { return FaultyForms(forms) }
    forms.append(BitTest(mask: Self.memoryType, value: Self.memoryType))
    if isLast {
      let napot = BitTest.set(Bit.napot)
      forms += (10...12).map { napot.and(.set($0)) } + [napot.and(.clear(13))]
    }
    return FaultyForms(forms)
  }

  /// D, A and U of an entry that points at a table, and the bits above its page number (sections Sv32 and Sv39) but
  /// software's.
  private var tableReserved: UInt64 {
    let used: UInt64 = 1 << UInt64(Bit.user) | 1 << UInt64(Bit.accessed) | 1 << UInt64(Bit.dirty)
    return used | (isLong ? bits(54, through: 58) | bits(61, through: 63) : 0)
  }

  /// Bits 58:54 (section Sv39); in a superpage the page number's low bits, without which it is misaligned, and N,
  /// which only entries of level 0 may have.
  private func leafReserved(shift: Int, isLast: Bool) -> UInt64 {
    let misaligned = bits(numberBits.lowerBound, through: shift - 3)
    let high = isLong ? bits(54, through: 58) | (isLast ? 0 : 1 << UInt64(Bit.napot)) : 0
    return misaligned | high
  }

  private static let memoryType = bits(61, through: 62)

  private static let valid = EntryField("V", 0, .present, "valid", clear: "not valid")
  private static let software = EntryField("RSW", 8, through: 9, .available, "left to software")
  /// Software's where the processor has Svrsw60t59b, else reserved. No memory tells which, and a kernel sets them
  /// only where it may: Linux marks most pages of processes there.
  private static let moreSoftware = EntryField("RSW60t59b", 59, through: 60, .available, "left to software")

  private var tableFields: [EntryField] {
    [
      Self.valid, EntryField("G", 5, .global, "all below it is global"), Self.software,
      EntryField("PPN", numberBits.lowerBound, through: numberBits.upperBound, .address, "table"),
    ] + (isLong ? [Self.moreSoftware] : [])
  }

  private func leafFields(_ number: Int, page: AddressFormat) -> [EntryField] {
    let low = page.mask.trailingZeroBitCount
    var fields = [
      Self.valid, EntryField("R", Bit.read, .read, "readable", clear: "not readable"),
      EntryField("W", Bit.write, .write, "writable", clear: "read only"),
      EntryField("X", Bit.execute, .execute, "executable", clear: "no execute"),
      EntryField("U", Bit.user, .user, "user", clear: "supervisor only"),
      EntryField("G", 5, .global, "global", clear: "not global"),
      EntryField("A", Bit.accessed, .accessed, "accessed", clear: "not accessed"),
      EntryField("D", Bit.dirty, .dirty, "dirty", clear: "not written"), Self.software,
      EntryField("PPN", low, through: numberBits.upperBound, .address, "frame"),
    ]
    guard isLong else { return fields }
    fields.append(Self.moreSoftware)
    fields.append(
      EntryField("PBMT", 61, through: 62, .memoryType, "not as the PMAs say", values: ["PMA", "NC", "IO"]))
    if number == 0 {
      fields.append(
        EntryField(
          "N", Bit.napot, .pageSize, "one of 16 entries of a 64 KiB page", clear: "a page of its own"))
    }
    return fields
  }
}
