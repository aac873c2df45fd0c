import PageTables

/// A loaded kernel module.
package struct KernelModule: Hashable, Sendable {
  /// Untrusted text.
  package let name: String
  /// The address of the kernel's `struct module`, virtual.
  package let address: UInt64
  /// The ranges of its code and data, the code first.
  package let parts: [Range<UInt64>]
  /// Bytes in all parts together, saturating.
  package var size: UInt64 {
    parts.reduce(0) { total, part in
      let (sum, overflow) = total.addingReportingOverflow(part.upperBound - part.lowerBound)
      return overflow ? .max : sum
    }
  }
}

/// Reads the kernel's list of modules, and their symbols.
struct ModuleReader {
  let reader: GuestMemoryReader
  private let list: Int
  private let name: Int
  private let parts: [Part]
  private let symbols: SymbolOffsets?

  /// Offsets in `struct module`: the start of a part, and its size.
  struct Part {
    let base: Int
    let size: Int
  }

  struct SymbolOffsets {
    let table: Int
    let entries: Int
    let count: Int
    let names: Int
    let kinds: Int?
  }

  static let moduleLimit = 4096
  /// The most symbols examined, over all modules.
  static let symbolLimit = 1 << 19
  private static let nameLimit = 64
  /// `KSYM_NAME_LEN`.
  private static let symbolNameLimit = 512

  /// With inferred offsets.
  init(reader: GuestMemoryReader, list: Int, name: Int, parts: [Part], symbols: SymbolOffsets?) {
    self.reader = reader
    self.list = list
    self.name = name
    self.parts = parts
    self.symbols = symbols
  }

  /// Bytes in an entry of a module's symbol table.
  static func symbolSize(pointerSize: Int) -> Int { pointerSize == 8 ? 24 : 16 }

  /// Nil where the types lack an offset.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    guard let list = types.offset(of: "list", in: "module"), let name = types.offset(of: "name", in: "module")
    else { return nil }
    self.reader = reader
    self.list = list
    self.name = name
    parts = ModuleReader.parts(types, pointerSize: reader.pointerSize)
    if let table = types.offset(of: "kallsyms", in: "module"),
      let entries = types.offset(of: "symtab", in: "mod_kallsyms"),
      let count = types.offset(of: "num_symtab", in: "mod_kallsyms"),
      let names = types.offset(of: "strtab", in: "mod_kallsyms")
    {
      symbols = SymbolOffsets(
        table: table, entries: entries, count: count, names: names,
        kinds: types.offset(of: "typetab", in: "mod_kallsyms"))
    } else {
      symbols = nil
    }
  }

  /// Up to 6.3 one layout for code and one for data, since then an array of memories.
  private static func parts(_ types: TypeInformation, pointerSize: Int) -> [Part] {
    if let memories = types.member("mem", of: "module"), let array = types.array(memories.type),
      let size = types.size(of: array.element, pointerSize: pointerSize), (1...(1 << 16)).contains(size),
      let base = types.offset(of: "base", in: "module_memory"),
      let length = types.offset(of: "size", in: "module_memory")
    {
      return (0..<min(array.count, 16)).map { index in
        Part(base: memories.offset + index * size + base, size: memories.offset + index * size + length)
      }
    }
    return ["core_layout", "init_layout"].compactMap { layout in
      guard let base = types.offset(of: layout + ".base", in: "module"),
        let size = types.offset(of: layout + ".size", in: "module")
      else { return nil }
      return Part(base: base, size: size)
    }
  }

  /// The modules in the list at `head`, in its order: the newest first.
  func modules(head: UInt64) -> [KernelModule] {
    ListWalk.nodes(head: head, reader: reader, limit: ModuleReader.moduleLimit).nodes.compactMap { node in
      let module = node &- UInt64(list)
      guard let name = reader.string(at: module &+ UInt64(name), limit: ModuleReader.nameLimit),
        !name.isEmpty
      else { return nil }
      let ranges = parts.compactMap { part -> Range<UInt64>? in
        guard let base = reader.pointer(at: module &+ UInt64(part.base)), base != 0,
          let size = reader.unsigned(at: module &+ UInt64(part.size), size: 4), size > 0
        else { return nil }
        let (end, overflow) = base.addingReportingOverflow(size)
        return overflow ? nil : base..<end
      }
      return KernelModule(name: name, address: module, parts: ranges)
    }
  }

  /// Adds a module's symbols: an ELF symbol table (System V ABI, "Symbol Table"), accompanied by `nm`'s letters.
  ///
  /// - Parameter budget: how many more entries may be examined, over all modules.
  func addSymbols(of module: KernelModule, to all: inout KernelSymbols, budget: inout Int) {
    guard let symbols, let table = reader.pointer(at: module.address &+ UInt64(symbols.table)),
      let entries = reader.pointer(at: table &+ UInt64(symbols.entries)),
      let count = reader.unsigned(at: table &+ UInt64(symbols.count), size: 4),
      count <= budget,
      let names = reader.pointer(at: table &+ UInt64(symbols.names))
    else { return }
    budget -= Int(count)
    let isWide = reader.pointerSize == 8
    let size = ModuleReader.symbolSize(pointerSize: reader.pointerSize)
    guard let bytes = reader.bytes(at: entries, count: Int(count) * size) else { return }
    let kinds = symbols.kinds.flatMap { reader.pointer(at: table &+ UInt64($0)) }
      .flatMap { reader.bytes(at: $0, count: Int(count)) }
    let number = all.addModule(module.name, ends: module.parts.map(\.upperBound))
    let span = bytes.span.bytes
    for index in 1..<max(Int(count), 1) {
      let entry = index * size
      let address = span.entry(at: entry + (isWide ? 8 : 4), size: reader.pointerSize)
      let section = span.entry(at: entry + (isWide ? 6 : 14), size: 2)
      // Per-CPU symbols are offsets outside the module.
      guard section != 0,
        let name = reader.text(
          at: names &+ span.entry(at: entry, size: 4), limit: ModuleReader.symbolNameLimit), !name.isEmpty
      else { continue }
      // Linux passes these over, too, where it names an address.
      guard !ModuleReader.isMark(name) else { continue }
      // Compilers make no such names, so this one is corrupt; its address still ends the previous symbol.
      guard name.allSatisfy({ (0x21..<0x7f).contains($0) }) else {
        all.addEnd(address)
        continue
      }
      all.append(address: address, kind: kinds?[index] ?? UInt8(ascii: "?"), name: name, module: number)
    }
  }

  /// Whether a name only marks a place: where code and data change (`$x`, `$d`; ELF for the Arm 64-bit Architecture and
  /// RISC-V ELF Specification, "Mapping Symbols"), and labels that the assembler has for itself (`.L0`).
  private static func isMark(_ name: some Collection<UInt8>) -> Bool {
    name.starts(with: "$".utf8) || name.starts(with: ".L".utf8)
  }
}
