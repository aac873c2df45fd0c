import Guests
import MemoryImages
import PageTables

/// A kernel's memory that a test lays out by virtual address: an image mapped as Linux maps it, and a direct
/// map.
package struct LinuxMemory: Sendable {
  package static let image: UInt64 = 0xffff_ffff_8100_0000
  package static let imageStart: UInt64 = 0x100_0000
  package static let imageSize: UInt64 = 0x80_0000
  package static let directMap: UInt64 = 0xffff_8880_0000_0000
  package static let root: UInt64 = imageStart + 0x1000

  package var memory = TableMemory(firstTable: 0x10_0000)
  package let space = AddressSpace(name: "kernel", root: PhysicalAddress(root), scheme: X86.paging4Level())

  package init() {
    memory.addPage(LinuxMemory.root)
    memory.addPage(LinuxMemory.imageStart)
    for offset in stride(from: 0, to: LinuxMemory.imageSize, by: 0x20_0000) {
      memory.map(
        LinuxMemory.image + offset, to: LinuxMemory.imageStart + offset, in: space, level: 2, flags: 0xe3)
    }
    memory.map(LinuxMemory.directMap, to: 0, in: space, level: 1, flags: 0xe3)
  }

  /// Where a virtual address of the image or the direct map lies.
  package static func physical(_ address: UInt64) -> UInt64 {
    address >= image ? address - image + imageStart : address - directMap
  }

  package mutating func put(_ bytes: [UInt8], at address: UInt64) {
    for (index, byte) in bytes.enumerated() {
      let physical = LinuxMemory.physical(address + UInt64(index))
      memory.set(
        table: physical & ~0xfff, slot: Int(physical & 0xfff), to: UInt64(byte), size: 1)
    }
  }

  package mutating func put(_ value: UInt64, at address: UInt64, size: Int = 8) {
    put((0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }, at: address)
  }

  package mutating func put(_ text: String, at address: UInt64) { put(Array(text.utf8) + [0], at: address) }

  /// An empty circular list, or one through `nodes`.
  package mutating func putList(head: UInt64, nodes: [UInt64]) {
    let ring = [head] + nodes
    for (index, node) in ring.enumerated() {
      put(ring[(index + 1) % ring.count], at: node)
      put(ring[(index + ring.count - 1) % ring.count], at: node + 8)
    }
  }

  package var opened: MemoryImage {
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = .x86_64
    return image
  }
}

/// Writes type information by the rules of the kernel's `Documentation/bpf/btf.rst`.
package struct TypeWriter {
  private var types: [UInt8] = []
  private var strings: [UInt8] = [0]
  private var count = 0

  package init() {}

  private mutating func word(_ value: Int) {
    types += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  package mutating func name(_ text: String) -> Int {
    if text.isEmpty { return 0 }
    strings += Array(text.utf8) + [0]
    return strings.count - text.utf8.count - 1
  }

  private mutating func record(_ text: String, kind: Int, length: Int, last: Int, flag: Bool = false) -> Int {
    let name = name(text)
    word(name)
    word(length | kind << 24 | (flag ? 1 << 31 : 0))
    word(last)
    count += 1
    return count
  }

  package mutating func integer(_ text: String, bytes: Int) -> Int {
    let number = record(text, kind: 1, length: 0, last: bytes)
    word(bytes * 8)
    return number
  }

  package mutating func pointer(to type: Int) -> Int { record("", kind: 2, length: 0, last: type) }

  package mutating func typedef(_ text: String, _ type: Int) -> Int {
    record(text, kind: 8, length: 0, last: type)
  }

  package mutating func array(of type: Int, _ length: Int) -> Int {
    let number = record("", kind: 3, length: 0, last: 0)
    word(type)
    word(0)
    word(length)
    return number
  }

  /// `offset` is in bytes.
  package mutating func structure(
    _ text: String, size: Int, isUnion: Bool = false, _ members: [(String, Int, Int)]
  )
    -> Int
  {
    let names = members.map { name($0.0) }
    let number = record(text, kind: isUnion ? 5 : 4, length: members.count, last: size)
    for (name, member) in zip(names, members) {
      word(name)
      word(member.1)
      word(member.2 * 8)
    }
    return number
  }

  /// Members with a size in bits and an offset in bits.
  package mutating func bitFields(
    _ text: String, size: Int, _ members: [(String, type: Int, bits: Int, at: Int)]
  )
    -> Int
  {
    let names = members.map { name($0.0) }
    let number = record(text, kind: 4, length: members.count, last: size, flag: true)
    for (name, member) in zip(names, members) {
      word(name)
      word(member.type)
      word(member.at | member.bits << 24)
    }
    return number
  }

  package mutating func enumeration(_ text: String, _ values: [(String, Int)]) -> Int {
    let names = values.map { name($0.0) }
    let number = record(text, kind: 6, length: values.count, last: 4)
    for (name, value) in zip(names, values) {
      word(name)
      word(value.1)
    }
    return number
  }

  package var section: [UInt8] {
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    return [0x9f, 0xeb, 1, 0] + word(24) + word(0) + word(types.count) + word(types.count)
      + word(strings.count) + types + strings
  }
}

/// Writes a symbol table as `scripts/kallsyms.c` of the kernel does, each token one character.
package struct SymbolWriter {
  /// Ascending by address.
  package var symbols: [(name: String, kind: Character, address: UInt64)] = []

  package init(symbols: [(name: String, kind: Character, address: UInt64)] = []) { self.symbols = symbols }

  /// Where the parts lie that all kernels have.
  private struct Parts {
    let names: UInt64
    let table: UInt64
    let index: UInt64
    let end: UInt64
  }

  private func line(_ name: String, _ address: UInt64) -> String {
    "SYMBOL(kallsyms_\(name))=\(String(address, radix: 16))\n"
  }

  private func lines(_ parts: Parts) -> String {
    line("names", parts.names) + line("token_table", parts.table) + line("token_index", parts.index)
  }

  /// The parts, in the order that kernels before 6.4 had them in, from an address on. Gives VMCOREINFO's
  /// lines.
  package func write(to memory: inout LinuxMemory, at start: UInt64) -> String {
    func aligned(_ address: UInt64) -> UInt64 { (address + 7) & ~7 }
    let base = symbols.first { $0.address >= LinuxMemory.image }?.address ?? 0
    let offsets = start
    // Addresses of the image count down from -1, all others are plain values.
    for (index, symbol) in symbols.enumerated() {
      let offset = symbol.address < base ? symbol.address : (base &- 1 &- symbol.address) & 0xffff_ffff
      memory.put(offset, at: offsets + UInt64(index * 4), size: 4)
    }
    let baseAddress = aligned(offsets + UInt64(symbols.count * 4))
    memory.put(base, at: baseAddress)
    memory.put(UInt64(symbols.count), at: baseAddress + 8)
    let parts = writeNames(to: &memory, at: baseAddress + 16, alignment: 8)
    return line("offsets", offsets) + line("relative_base", baseAddress) + line("num_syms", baseAddress + 8)
      + lines(parts)
  }

  /// The parts as kernels since 7.0 have them: aligned to 4 bytes, the addresses last and as distances from their own
  /// places.
  package func writeSelfRelative(to memory: inout LinuxMemory, at start: UInt64) -> String {
    memory.put(UInt64(symbols.count), at: start, size: 4)
    let parts = writeNames(to: &memory, at: start + 4, alignment: 4)
    for (index, symbol) in symbols.enumerated() {
      let spaceNumber = parts.end + UInt64(index * 4)
      memory.put((symbol.address &- spaceNumber) & 0xffff_ffff, at: spaceNumber, size: 4)
    }
    return line("num_syms", start) + line("offsets", parts.end) + lines(parts)
  }

  private func writeNames(to memory: inout LinuxMemory, at names: UInt64, alignment: UInt64) -> Parts {
    func aligned(_ address: UInt64) -> UInt64 { (address + alignment - 1) & ~(alignment - 1) }
    var bytes: [UInt8] = []
    var markers: [Int] = []
    for (index, symbol) in symbols.enumerated() {
      if index % 256 == 0 { markers.append(bytes.count) }
      let text = Array(String(symbol.kind).utf8) + Array(symbol.name.utf8)
      bytes +=
        text.count < 128 ? [UInt8(text.count)] : [UInt8(text.count & 0x7f | 0x80), UInt8(text.count >> 7)]
      bytes += text
    }
    memory.put(bytes, at: names)
    let markerStart = aligned(names + UInt64(bytes.count))
    for (index, marker) in markers.enumerated() {
      memory.put(UInt64(marker), at: markerStart + UInt64(index * 4), size: 4)
    }
    let table = aligned(markerStart + UInt64(markers.count * 4))
    let index = aligned(table + 512)
    for token in 0..<256 {
      memory.put([token == 0 ? 1 : UInt8(token), 0], at: table + UInt64(token * 2))
      memory.put(UInt64(token * 2), at: index + UInt64(token * 2), size: 2)
    }
    return Parts(names: names, table: table, index: index, end: index + 512)
  }
}
