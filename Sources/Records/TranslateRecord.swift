import Guests
import PageTables

/// The walk of one address, as `pagewalk translate` shows it.
package struct TranslateRecord: Record {
  package struct Step: Codable, Hashable, Sendable {
    package let level: String
    package let table: Hex
    package let slot: Int
    package let entry: Hex
  }

  package let space: Hex
  package let va: Hex
  /// The kernel symbol that covers the address, as `name+0x1f`.
  package let symbol: String?
  /// The module that the symbol belongs to.
  package let module: String?
  /// The region of the guest that contains the address: a file, `[heap]`, `anonymous`, a part of the kernel.
  package let region: String?
  package let pa: Hex?
  package let pageSize: UInt64?
  package let write: Bool?
  package let user: Bool?
  package let execute: Bool?
  /// What the supervisor may and what the user may, `rwx/rw-`, where the three above do not say it; else nil.
  package let rights: String?
  /// true where the supervisor may write the page though an entry of the path says read-only.
  package let supervisorWrite: Bool?
  package let flags: [String]?
  /// False where the dump does not hold the frame.
  package let inDump: Bool?
  /// The guest's use of the frame: `page-cache`, `slab`, …; the file, or the slab's cache; the offset of the
  /// frame's page in the file.
  package let frameKind: FrameUse.Kind?
  package let frameDetail: String?
  package let frameFileOffset: UInt64?
  /// `non-canonical`, `no-root`, `absent`, `marked`, `malformed`, `not-in-dump`.
  package let fault: String?
  /// The name of the mark in a marked entry, when known.
  package let mark: String?
  /// The frame that the mark keeps.
  package let markPA: Hex?
  /// What the last entry keeps according to the guest's kernel: `swap type 0, offset 0x12`.
  package let meaning: String?
  /// Bits of the last entry, with the names that the guest's kernel has for them: `soft-dirty`.
  package let kernelBits: [String]?
  /// The reserved bits set in a malformed entry.
  package let reservedBits: Hex?
  /// The table that is not in the dump.
  package let missingTable: Hex?
  package let steps: [Step]

  package init(_ translation: Translation, space: AddressSpace, guest: AddressKnowledge = AddressKnowledge())
  {
    let symbol = guest.symbol
    region = guest.region?.title
    frameKind = guest.frame?.kind
    frameDetail = guest.frame?.detail
    frameFileOffset = guest.frame?.fileOffset
    meaning = guest.meaning?.summary
    let bits = guest.meaning?.bits.compactMap { bit in
      bit.value == 0 ? nil : bit.width == 1 ? bit.name : "\(bit.name)=\(bit.value)"
    }
    kernelBits = bits.flatMap { $0.isEmpty ? nil : $0 }
    self.space = Hex(space.root)
    va = Hex(translation.address)
    self.symbol = symbol.map { $0.offset == 0 ? $0.name : $0.name + "+" + AddressText.hex($0.offset) }
    module = symbol?.module
    steps = translation.steps.map { step in
      Step(
        level: space.windows[translation.window].scheme.levels[step.level].name, table: Hex(step.table),
        slot: step.slot,
        entry: Hex(step.raw))
    }
    let page = translation.page
    pa = page.map { Hex($0.physical) }
    pageSize = page?.pageSize
    write = page?.access.contains(.write)
    user = page?.access.contains(.user)
    execute = page?.access.contains(.execute)
    rights = page.flatMap { space.windows[translation.window].scheme.shown($0.rights).apart }
    supervisorWrite = page?.isWrittenThroughProtection == true ? true : nil
    inDump = page?.isInDump == false ? false : nil
    flags = page.flatMap { _ in
      translation.steps.last.map { step in
        var names = LeafFlags(space.windows[translation.window].scheme)
        return names.names(of: step.raw, level: step.level)
      }
    }
    var fault: String?
    var mark: FoundMark?
    var reservedBits: Hex?
    var missingTable: Hex?
    if case .fault(let reason) = translation.outcome {
      switch reason {
      case .nonCanonical: fault = "non-canonical"
      case .noRoot: fault = "no-root"
      case .absent: fault = "absent"
      case .marked(let found):
        fault = "marked"
        mark = found
      case .malformed(let bits):
        fault = "malformed"
        reservedBits = Hex(bits)
      case .tableMissing(let table, _):
        fault = "not-in-dump"
        missingTable = Hex(table)
      }
    }
    self.fault = fault
    self.mark = mark?.name
    markPA = (guest.meaning?.frame ?? mark?.address).map { Hex($0) }
    self.reservedBits = reservedBits
    self.missingTable = missingTable
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("va", va)
    if let symbol { json.field("symbol", symbol) }
    if let module { json.field("module", module) }
    if let region { json.field("region", region) }
    if let pa { json.field("pa", pa) }
    if let pageSize { json.field("pageSize", pageSize) }
    if let write { json.field("write", write) }
    if let user { json.field("user", user) }
    if let execute { json.field("execute", execute) }
    if let rights { json.field("rights", rights) }
    if let supervisorWrite { json.field("supervisorWrite", supervisorWrite) }
    if let flags { json.field("flags", flags) }
    if let inDump { json.field("inDump", inDump) }
    if let frameKind { json.field("frameKind", frameKind.rawValue) }
    if let frameDetail { json.field("frameDetail", frameDetail) }
    if let frameFileOffset { json.field("frameFileOffset", frameFileOffset) }
    if let fault { json.field("fault", fault) }
    if let mark { json.field("mark", mark) }
    if let markPA { json.field("markPA", markPA) }
    if let meaning { json.field("meaning", meaning) }
    if let kernelBits { json.field("kernelBits", kernelBits) }
    if let reservedBits { json.field("reservedBits", reservedBits) }
    if let missingTable { json.field("missingTable", missingTable) }
    json.field("steps", steps) { json, step in
      json.field("level", step.level)
      json.field("table", step.table)
      json.field("slot", step.slot)
      json.field("entry", step.entry)
    }
  }

  package static var columns: [Column] { [Column("WALK", width: 0)] }

  /// The walk in several lines, one per step, and the result.
  package var cells: [String] {
    var lines = ["\(va)" + (symbol.map { "  " + printable($0) } ?? "")]
    if let module { lines[0] += " [" + printable(module) + "]" }
    if let region { lines[0] += "  (" + printable(region) + ")" }
    for step in steps {
      let place = Column.line(
        ["  \(step.level)[\(step.slot)]", "table \(step.table)", "entry \(step.entry)"],
        [Column("", width: 12), Column("", width: 20), Column("", width: 0)])
      lines.append(place)
    }
    if let pa, let pageSize {
      let access =
        rights ?? Access(write: write == true, user: user == true, execute: execute == true).letters
      var answer = "  = \(pa)  \(ByteText.rounded(pageSize)) page  \(access)"
      if let flags, !flags.isEmpty { answer += "  " + flags.joined(separator: " ") }
      if let kernelBits { answer += "  " + printable(kernelBits.joined(separator: " ")) }
      if supervisorWrite == true {
        answer += "  (read-only, but the supervisor may write: write protection is off)"
      }
      if inDump == false { answer += "  (the frame is not in the dump)" }
      lines.append(answer)
      if let frameKind {
        lines.append("    " + frameText(frameKind, frameDetail, frameFileOffset))
      }
    } else if let fault {
      var answer = "  stops: \(fault)"
      if let meaning {
        answer += " (" + printable(meaning) + (markPA.map { ", frame \($0)" } ?? "") + ")"
      } else if let mark {
        answer += " (\(mark)\(markPA.map { ", frame \($0)" } ?? ""))"
      }
      if let reservedBits, reservedBits.value != 0 { answer += " (reserved bits \(reservedBits))" }
      if let missingTable { answer += " (table \(missingTable))" }
      lines.append(answer)
    }
    return [lines.joined(separator: "\n")]
  }
}
