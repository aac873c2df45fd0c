import PageTables

/// What firmware tells a kernel of the machine, as far as it says where RAM lies (Devicetree Specification, Chapter 5
/// "Flattened Devicetree (DTB) Format"). All of it is untrusted.
struct DeviceTree: Hashable {
  /// Where RAM lies, in ascending address.
  let memory: [PhysicalRange]

  /// `FDT_MAGIC`, and the version that all firmware writes (5.2).
  private static let magic: UInt32 = 0xd00d_feed
  private static let version: UInt32 = 17
  private static let headerSize: UInt64 = 40
  private static let byteLimit: UInt32 = 2 << 20
  /// The most tokens read, and the most ranges of RAM.
  private static let tokenLimit = 1 << 16
  private static let rangeLimit = 64

  /// QEMU and most boot loaders place device trees at multiples of this.
  private static let alignment: UInt64 = 2 << 20
  /// The bytes of a file searched for one: kernels map it before all of their memory, so that it lies low.
  private static let searched: UInt64 = 4 << 30

  /// The first device tree in a file of raw memory whose RAM has as many bytes as the file; nil where there is none.
  init?(ofAllMemoryIn file: borrowing MappedFile) {
    var offset: UInt64 = 0
    while offset < min(file.count, DeviceTree.searched) {
      if let tree = DeviceTree(file, at: offset),
        tree.memory.reduce(UInt64(0), { $0.addingReportingOverflow($1.length).partialValue }) == file.count
      {
        self = tree
        return
      }
      offset += DeviceTree.alignment
    }
    return nil
  }

  private init?(_ file: borrowing MappedFile, at offset: UInt64) {
    func word(_ index: UInt64) -> UInt32? { file.load(UInt32.self, at: offset + index * 4)?.byteSwapped }
    guard word(0) == DeviceTree.magic, let size = word(1), size <= DeviceTree.byteLimit,
      let structure = word(2), let strings = word(3), let version = word(5), version >= DeviceTree.version,
      let bytes = file.copy(at: offset, length: UInt64(size))
    else { return nil }
    self.init(bytes, structure: Int(structure), strings: Int(strings))
  }

  /// The words of a property that hold addresses and sizes.
  private struct Cells {
    /// Of a root's children, unless it says otherwise (2.3.5).
    var address = 2
    var size = 1
  }

  private init?(_ bytes: [UInt8], structure: Int, strings: Int) {
    func word(_ offset: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - 4 else { return nil }
      return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    func name(_ offset: Int, is wanted: StaticString) -> Bool {
      let length = wanted.utf8CodeUnitCount
      guard offset >= 0, offset < bytes.count - length, bytes[offset + length] == 0 else { return false }
      return wanted.withUTF8Buffer { bytes[offset..<offset + length].elementsEqual($0) }
    }
    func number(_ offset: Int, cells: Int) -> UInt64? {
      guard let high = word(offset) else { return nil }
      guard cells == 2 else { return UInt64(high) }
      return word(offset + 4).map { UInt64(high) << 32 | UInt64($0) }
    }
    var cells = Cells()
    var found: [PhysicalRange] = []
    var depth = 0
    // Of the root's child that is being read.
    var isMemory = false
    var registers: Range<Int>?
    var next = structure
    func takeRegisters() -> Bool {
      guard isMemory, let registers else { return true }
      guard (1...2).contains(cells.address), (1...2).contains(cells.size) else { return false }
      let step = 4 * (cells.address + cells.size)
      for place in stride(from: registers.lowerBound, through: registers.upperBound - step, by: step) {
        guard let start = number(place, cells: cells.address),
          let length = number(place + 4 * cells.address, cells: cells.size),
          found.count < DeviceTree.rangeLimit
        else { return false }
        let (end, overflow) = start.addingReportingOverflow(length)
        guard !overflow, (start | length) % Frame.size == 0 else { return false }
        if length > 0 { found.append(PhysicalRange(PhysicalAddress(start), PhysicalAddress(end))) }
      }
      return true
    }
    for _ in 0..<DeviceTree.tokenLimit {
      guard let token = word(next) else { return nil }
      next += 4
      switch token {
      case 1:  // FDT_BEGIN_NODE
        guard next < bytes.count, let end = bytes[next...].firstIndex(of: 0) else { return nil }
        depth += 1
        if depth == 2 { (isMemory, registers) = (false, nil) }
        next = (end + 4) & ~3
      case 2:  // FDT_END_NODE
        if depth == 2, !takeRegisters() { return nil }
        depth -= 1
        guard depth >= 0 else { return nil }
      case 3:  // FDT_PROP
        guard let length = word(next), let label = word(next + 4), length <= bytes.count - next else {
          return nil
        }
        let value = next + 8
        if depth == 1, name(strings + label, is: "#address-cells") { cells.address = word(value) ?? 0 }
        if depth == 1, name(strings + label, is: "#size-cells") { cells.size = word(value) ?? 0 }
        if depth == 2, name(strings + label, is: "device_type") { isMemory = name(value, is: "memory") }
        if depth == 2, name(strings + label, is: "reg") { registers = value..<value + length }
        next = (value + length + 3) & ~3
      case 4: break  // FDT_NOP
      case 9:  // FDT_END
        guard !found.isEmpty else { return nil }
        memory = found.sorted { $0.start < $1.start }
        return
      default: return nil
      }
    }
    return nil
  }
}
