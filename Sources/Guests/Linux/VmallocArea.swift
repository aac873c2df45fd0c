import PageTables

/// A stretch of the kernel's vmalloc space, and what it is for, as `/proc/vmallocinfo` lists it.
public struct VmallocArea: Hashable, Sendable {
  /// What the area is for (`VM_*` of `include/linux/vmalloc.h`).
  public struct Kinds: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let ioremap = Kinds(rawValue: 1)
    public static let vmalloc = Kinds(rawValue: 2)
    public static let vmap = Kinds(rawValue: 4)
    public static let user = Kinds(rawValue: 8)
    public static let dmaCoherent = Kinds(rawValue: 0x10)
  }

  /// First byte, and one past the last, the guard page included.
  public let range: Range<UInt64>
  /// The code that asked for it, a virtual address; nil where the kernel keeps none (`vm_map_ram`).
  public let caller: UInt64?
  public let kinds: Kinds
  /// Pages that it holds, 0 where it maps what others own; nil where that cannot be told.
  public let pages: Int?
  /// What an `ioremap` area maps; nil for others.
  public let physical: PhysicalAddress?
  /// Whether the list of its pages is so long that it was allocated in the same way.
  public var hasLargePageList: Bool
  /// Given back, and not yet taken out of the tables.
  public var isUnpurged = false
}

extension VmallocArea {
  /// An area that nobody owns any more.
  init(unpurged range: Range<UInt64>) {
    self.init(range: range, caller: nil, kinds: [], pages: nil, physical: nil, hasLargePageList: false)
    isUnpurged = true
  }
}

/// Reads the kernel's list of vmalloc areas.
struct VmallocReader {
  let reader: GuestMemoryReader
  private let start: Int
  private let end: Int
  private let link: Int
  private var structure: Int
  private var parts: Parts?
  private let nodes: Nodes?

  /// Offsets in `vm_struct`.
  private struct Parts {
    let address: Int
    let size: Int
    let flags: Int
    /// Known with type information only.
    let pages: PagesOffsets?
    let caller: Int
  }

  private struct PagesOffsets {
    let list: Int
    let count: Int
    let physical: Int
    let physicalSize: Int
  }

  /// Since 6.9 areas are spread over several lists: offset of the head, and bytes from one to the next.
  private struct Nodes {
    let busy: Int
    let lazy: Int
    let size: Int
  }

  private static let areaLimit = 1 << 20
  private static let nodeLimit = 4096
  /// Areas that guesses are held against, and bytes of an area and of its owner that are looked at.
  private static let inferenceLimit = 128
  private static let areaSize = 64

  /// Nil where the types lack what nothing works without.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let start = offset("va_start", "vmap_area"), let end = offset("va_end", "vmap_area"),
      let link = offset("list", "vmap_area"), let structure = offset("vm", "vmap_area")
    else { return nil }
    self.reader = reader
    self.start = start
    self.end = end
    self.link = link
    self.structure = structure
    if let address = offset("addr", "vm_struct"), let size = offset("size", "vm_struct"),
      let flags = offset("flags", "vm_struct"), let pages = offset("pages", "vm_struct"),
      let count = offset("nr_pages", "vm_struct"), let physical = types.member("phys_addr", of: "vm_struct"),
      let width = types.size(of: physical.type), width == 4 || width == 8,
      let caller = offset("caller", "vm_struct")
    {
      parts = Parts(
        address: address, size: size, flags: flags,
        pages: PagesOffsets(list: pages, count: count, physical: physical.offset, physicalSize: width),
        caller: caller)
    } else {
      parts = nil
    }
    if let busy = offset("busy.head", "vmap_node"), let lazy = offset("lazy.head", "vmap_node"),
      let size = types.size(of: "vmap_node"), size > 0
    {
      nodes = Nodes(busy: busy, lazy: lazy, size: size)
    } else {
      nodes = nil
    }
  }

  /// Without type information: VMCOREINFO tells of the areas, and what their owners look like is inferred. An
  /// owner repeats the area's start, has its size and flags behind that, and keeps an address inside of a
  /// function. Nil where VMCOREINFO tells nothing.
  init?(_ info: Vmcoreinfo, _ symbols: KernelSymbols?, _ reader: GuestMemoryReader) {
    guard let start = info.offsets["vmap_area.va_start"], let link = info.offsets["vmap_area.list"],
      start < 256, link < 256, let head = info.symbols["vmap_area_list"]
    else { return nil }
    let size = reader.pointerSize
    self.reader = reader
    self.start = Int(start)
    end = Int(start) + size
    self.link = Int(link)
    structure = 0
    parts = nil
    nodes = nil
    let areas = list(head).prefix(VmallocReader.inferenceLimit).map { $0 &- link }
    for place in stride(from: 0, to: VmallocReader.areaSize, by: size) {
      for address in stride(from: 0, to: VmallocReader.areaSize, by: size) {
        let owners = areas.compactMap { area -> UInt64? in
          guard let range = range(at: area), let owner = reader.pointer(at: area &+ UInt64(place)),
            owner != 0,
            reader.pointer(at: owner &+ UInt64(address)) == range.lowerBound,
            let length = reader.pointer(at: owner &+ UInt64(address + size)), length > 0,
            length <= range.upperBound &- range.lowerBound
          else { return nil }
          return owner
        }
        guard owners.count > 1, owners.count * 4 >= areas.count * 3, let symbols else { continue }
        let caller = stride(from: address + 3 * size, to: VmallocReader.areaSize, by: size).first { offset in
          owners.count { owner in
            let place = reader.pointer(at: owner &+ UInt64(offset)).flatMap { symbols.place(of: $0) }
            return place.map { $0.offset > 0 && $0.kind.lowercased() == "t" } ?? false
          } * 4 >= owners.count * 3
        }
        guard let caller else { continue }
        structure = place
        parts = Parts(
          address: address, size: address + size, flags: address + 2 * size, pages: nil, caller: caller)
        return
      }
    }
  }

  /// The areas in use, in ascending address; empty where the kernel's lists cannot be found.
  func areas(_ symbols: KernelSymbols?, _ info: Vmcoreinfo?) -> [VmallocArea] {
    var inUse: [UInt64] = []
    var unpurged: [UInt64] = []
    if let head = symbols?.address(of: "vmap_area_list") ?? info?.symbols["vmap_area_list"] {
      inUse = list(head)
      unpurged = symbols?.address(of: "purge_vmap_area_list").map(list) ?? []
    } else if let nodes, let array = symbols?.address(of: "vmap_nodes").flatMap({ reader.pointer(at: $0) }),
      let count = symbols?.address(of: "nr_vmap_nodes").flatMap({ reader.unsigned(at: $0, size: 4) })
    {
      for index in 0..<min(Int(count), VmallocReader.nodeLimit) {
        inUse += list(array &+ UInt64(index * nodes.size + nodes.busy))
        unpurged += list(array &+ UInt64(index * nodes.size + nodes.lazy))
      }
    }
    var result = inUse.compactMap { area(at: $0 &- UInt64(link)) }
    for node in unpurged {
      guard let range = range(at: node &- UInt64(link)) else { continue }
      result.append(VmallocArea(unpurged: range))
    }
    return result.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  private func list(_ head: UInt64) -> [UInt64] {
    ListWalk.nodes(head: head, reader: reader, limit: VmallocReader.areaLimit).nodes
  }

  private func range(at address: UInt64) -> Range<UInt64>? {
    guard let first = reader.pointer(at: address &+ UInt64(start)),
      let last = reader.pointer(at: address &+ UInt64(end)), first < last,
      (first | last) & (Frame.size - 1) == 0
    else { return nil }
    return first..<last
  }

  private func area(at address: UInt64) -> VmallocArea? {
    guard let range = range(at: address) else { return nil }
    let first = range.lowerBound
    // Where an area belongs to nobody, the field holds a size or flags.
    guard let parts, let area = reader.pointer(at: address &+ UInt64(structure)), area != 0,
      let own = reader.pointer(at: area &+ UInt64(parts.address)), own == first,
      let size = reader.pointer(at: area &+ UInt64(parts.size)), size > 0, size <= range.upperBound &- first,
      let flags = reader.pointer(at: area &+ UInt64(parts.flags))
    else {
      return VmallocArea(
        range: range, caller: nil, kinds: [], pages: nil, physical: nil, hasLargePageList: false)
    }
    let caller = reader.pointer(at: area &+ UInt64(parts.caller)).flatMap { $0 == 0 ? nil : $0 }
    let kinds = VmallocArea.Kinds(rawValue: flags & 0x1f)
    guard let offsets = parts.pages else {
      return VmallocArea(
        range: first..<first &+ size, caller: caller, kinds: kinds, pages: nil, physical: nil,
        hasLargePageList: false)
    }
    let physical = reader.unsigned(
      at: area &+ UInt64(offsets.physical), size: offsets.physicalSize)
    let pages = reader.pointer(at: area &+ UInt64(offsets.list)) ?? 0
    return VmallocArea(
      range: first..<first &+ size, caller: caller, kinds: kinds,
      pages: reader.unsigned(at: area &+ UInt64(offsets.count), size: 4).map { Int($0) },
      physical: physical.flatMap { $0 == 0 ? nil : PhysicalAddress($0) },
      // Such a list is too long for memory that lies in one piece.
      hasLargePageList: pages != 0 && isVmalloc(pages, near: first))
  }

  /// Whether an address lies in the same huge part of the address space as an area.
  private func isVmalloc(_ address: UInt64, near area: UInt64) -> Bool { address >> 40 == area >> 40 }
}
