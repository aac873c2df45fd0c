import MemoryImages
import PageTables

/// A machine that runs a kernel of the test's own: all of its memory, and roots that the test fills.
package struct SmallKernel {
  package let scheme: PagingScheme
  package let size: UInt64
  package var memory: TableMemory

  package init(_ scheme: PagingScheme, size: UInt64 = 8 << 20, firstTable: UInt64 = 0x10_0000) {
    self.scheme = scheme
    self.size = size
    memory = TableMemory(firstTable: firstTable)
    for page in stride(from: 0, to: size, by: 4096) where page < firstTable || page >= firstTable + 0x20_0000
    {
      memory.addPage(page)
    }
  }

  /// Fills up what is left of the pages that tables were taken from.
  package mutating func complete() {
    for page in stride(from: 0, to: size, by: 4096) { memory.addPage(page) }
  }

  package mutating func root() -> AddressSpace { memory.makeSpace("", scheme: scheme) }

  /// Maps all memory, and what lies behind it up to `length`, for the supervisor.
  package mutating func mapAll(
    of space: AddressSpace, at start: UInt64, level: Int? = nil, length: UInt64? = nil
  ) {
    let page = scheme.levels[level ?? scheme.levels.count - 1].span
    let flags: UInt64 = page == 4096 ? 0x63 : 0xe3
    for address in stride(from: 0, to: length ?? size, by: Int(page)) {
      memory.map(start &+ address, to: address, in: space, level: level, flags: flags, tableFlags: 0x63)
    }
  }

  /// Gives a root the entries that another one has in some slots.
  package mutating func share(_ slots: Range<Int>, of other: AddressSpace, with space: AddressSpace) {
    let entry = scheme.levels[0].format.entrySize
    for slot in slots {
      guard let raw = memory.entry(table: other.root.value, slot: slot, size: entry), raw != 0 else {
        continue
      }
      memory.set(table: space.root.value, slot: slot, to: raw, size: entry)
    }
  }

  /// Its memory as a raw file has it.
  package func raw() -> MemoryImage {
    MemoryImage(memory: FixedMemory(bytes), format: "test", name: "test")
  }

  /// The bytes of a raw file.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(size))
    for address in stride(from: 0, to: size, by: Int(Frame.size)) {
      let page = try? memory.withPage(at: PhysicalAddress(address)) { page in
        page.withUnsafeBytes { Array($0) }
      }
      bytes += page ?? [UInt8](repeating: 0, count: Int(Frame.size))
    }
    return bytes
  }

  /// An ELF core with a processor of these registers.
  package func core(cr0: UInt64 = 0x8001_0011, cr3: UInt64, cr4: UInt64, machine: UInt16) -> [UInt8] {
    var core = ImageElfBuilder(loads: [.init(physical: 0, bytes: bytes)])
    core.machine = machine
    core.notes = [("QEMU", 0, imageQemuNote(cr0: cr0, cr3: cr3, cr4: cr4, instructionPointer: 0))]
    return core.build()
  }

  /// The same with a processor that runs on a root, with its descriptor tables at `tables`.
  package func onCPU(_ root: AddressSpace, cr4: UInt64, tables: UInt64, machine: Machine) -> MemoryImage {
    var image = raw()
    image.machine = machine
    image.cpus = [
      CPUState(
        cr0: 0x8001_0011, cr3: root.root.value, cr4: cr4, instructionPointer: tables &+ 0x2000,
        segmentTable: tables, interruptTable: tables &+ 0x1000)
    ]
    return image
  }
}

/// Memory from 0 on that is all there, and whose extent need not be worked out at each question.
private struct FixedMemory: PhysicalMemory {
  private let bytes: [UInt8]
  let extent: MemoryExtent

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let all = PhysicalRange(PhysicalAddress(0), PhysicalAddress(UInt64(bytes.count)))
    extent = MemoryExtent(readable: PhysicalRanges([all]))
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let start = Int(clamping: address.frameStart.value)
    guard start < bytes.count else { throw .outsidePhysicalMemory }
    return body(bytes.span.bytes.extracting(start..<start + Int(Frame.size)))
  }
}
