import PageTables

/// A stretch of the kernel's vmalloc space, and its purpose, as `/proc/vmallocinfo` lists it.
package struct VmallocArea: Hashable, Sendable {
  /// The purpose of the area (`VM_*` of `include/linux/vmalloc.h`).
  package struct Kinds: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let ioremap = Kinds(rawValue: 1)
    package static let vmalloc = Kinds(rawValue: 2)
    package static let vmap = Kinds(rawValue: 4)
    package static let user = Kinds(rawValue: 8)
    package static let dmaCoherent = Kinds(rawValue: 0x10)
  }

  /// First byte, and one past the last, including the guard page.
  package let range: Range<UInt64>
  /// The code that requested it, a virtual address; nil where the kernel stores none (`vm_map_ram`).
  package let caller: UInt64?
  package let kinds: Kinds
  /// Pages that it owns, 0 where it maps pages of others; nil where unknown.
  package let pages: Int?
  /// What an `ioremap` area maps; nil for others.
  package let physical: PhysicalAddress?
  /// Whether the list of its pages is so long that it was itself allocated in vmalloc space.
  package var hasLargePageList = false
  /// Freed, but not yet removed from the tables.
  package var isUnpurged = false
}

extension VmallocArea {
  /// An area for which the kernel keeps no owner.
  init(ownerless range: Range<UInt64>) {
    self.init(range: range, caller: nil, kinds: [], pages: nil, physical: nil)
  }

  /// A freed area, which has no owner any more.
  init(unpurged range: Range<UInt64>) {
    self.init(ownerless: range)
    isUnpurged = true
  }
}

/// Reads the kernel's list of vmalloc areas.
struct VmallocReader {
  let reader: GuestMemoryReader
  private let start: Int
  private let end: Int
  private let link: Int
  /// The link in the list of freed areas; up to 5.12 that was a separate chain.
  private let purgeLink: Int?
  private var structure: Int
  private var parts: Parts?
  private let nodes: Nodes?

  /// Offsets in `vm_struct`.
  private struct Parts {
    let address: Int
    let size: Int
    let flags: Int
    /// Nil where it could not be inferred.
    let pages: PagesOffsets?
    let physical: PhysicalOffset?
    let caller: Int
  }

  private struct PagesOffsets {
    let list: Int
    let count: Int
  }

  private struct PhysicalOffset {
    let offset: Int
    let size: Int
  }

  /// Since 6.9 areas are distributed over several lists: the offset of the list head, and the distance from one
  /// list to the next in bytes.
  private struct Nodes {
    let busy: Int
    let lazy: Int
    let size: Int
  }

  /// The most areas, over all lists.
  private static let areaLimit = 1 << 20
  private static let nodeLimit = 4096
  /// The most areas against which guesses are checked, and the most bytes examined of an area and of its owner.
  private static let inferenceLimit = 128
  private static let areaSize = 64

  /// The areas in use, found in the best available way; empty where none works.
  static func areas(
    _ types: TypeInformation?, _ info: Vmcoreinfo?, _ symbols: KernelSymbols?, _ reader: GuestMemoryReader
  ) -> [VmallocArea] {
    if let types, let typed = VmallocReader(types, reader) { return typed.areas(symbols, info) }
    return info.flatMap { VmallocReader($0, symbols, reader) }?.areas(symbols, info) ?? []
  }

  /// Nil where the types lack something essential.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let start = offset("va_start", "vmap_area"), let end = offset("va_end", "vmap_area"),
      let link = offset("list", "vmap_area"), let structure = offset("vm", "vmap_area")
    else { return nil }
    self.reader = reader
    self.start = start
    self.end = end
    self.link = link
    purgeLink = offset("purge_list", "vmap_area")
    self.structure = structure
    if let address = offset("addr", "vm_struct"), let size = offset("size", "vm_struct"),
      let flags = offset("flags", "vm_struct"), let pages = offset("pages", "vm_struct"),
      let count = offset("nr_pages", "vm_struct"), let physical = types.member("phys_addr", of: "vm_struct"),
      let width = types.size(of: physical.type), width == 4 || width == 8,
      let caller = offset("caller", "vm_struct")
    {
      parts = Parts(
        address: address, size: size, flags: flags,
        pages: PagesOffsets(list: pages, count: count),
        physical: PhysicalOffset(offset: physical.offset, size: width), caller: caller)
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

  /// Without type information: VMCOREINFO locates the areas, and the layout of their owners is inferred. An owner
  /// repeats the area's start, followed by its size and flags, and holds an address inside a function. Nil where
  /// VMCOREINFO does not locate them.
  init?(_ info: Vmcoreinfo, _ symbols: KernelSymbols?, _ reader: GuestMemoryReader) {
    guard let start = info.offsets["vmap_area.va_start"], let link = info.offsets["vmap_area.list"],
      start < 256, link < 256, let head = info.symbols["vmap_area_list"]
    else { return nil }
    let size = reader.pointerSize
    self.reader = reader
    self.start = Int(start)
    end = Int(start) + size
    self.link = Int(link)
    purgeLink = nil
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
        let flags = address + 2 * size
        let count = pageCount(owners, size: address + size, flags: flags, before: caller)
        parts = Parts(
          address: address, size: address + size, flags: flags,
          pages: count.map { PagesOffsets(list: flags + size, count: $0) },
          physical: physical(owners, address: address, flags: flags, before: caller), caller: caller)
        return
      }
    }
  }

  /// The offset at which owners of allocated memory store the number of its pages: all of the area except the guard
  /// page.
  private func pageCount(_ owners: [UInt64], size: Int, flags: Int, before caller: Int) -> Int? {
    let allocated = owners.filter { kinds($0, flags) == .vmalloc }
    guard allocated.count > 1 else { return nil }
    return stride(from: flags + 2 * reader.pointerSize, to: caller, by: 4).first { offset in
      allocated.count { owner in
        let length = reader.pointer(at: owner &+ UInt64(size)) ?? 0
        return reader.unsigned(at: owner &+ UInt64(offset), size: 4).map { $0 == length >> 12 &- 1 } ?? false
      } * 4 >= allocated.count * 3
    }
  }

  /// The offset at which owners of device mappings store the physical address, which the tables confirm. It
  /// directly precedes the caller.
  private func physical(_ owners: [UInt64], address: Int, flags: Int, before caller: Int) -> PhysicalOffset? {
    let mapped = owners.filter { kinds($0, flags).contains(.ioremap) }
    guard !mapped.isEmpty else { return nil }
    for size in [reader.pointerSize, 8] where caller - size > flags {
      let fits = mapped.allSatisfy { owner in
        let start = reader.pointer(at: owner &+ UInt64(address))
        guard let physical = start.flatMap({ reader.physical(of: $0) }) else { return false }
        return reader.unsigned(at: owner &+ UInt64(caller - size), size: size) == physical.value
      }
      if fits { return PhysicalOffset(offset: caller - size, size: size) }
    }
    return nil
  }

  private func kinds(_ owner: UInt64, _ flags: Int) -> VmallocArea.Kinds {
    VmallocArea.Kinds(rawValue: (reader.pointer(at: owner &+ UInt64(flags)) ?? 0) & 0x1f)
  }

  /// The areas in use, in ascending address; empty where the kernel's lists cannot be found.
  func areas(_ symbols: KernelSymbols?, _ info: Vmcoreinfo?) -> [VmallocArea] {
    var inUse: [UInt64] = []
    var unpurged: [UInt64] = []
    if let head = symbols?.address(of: "vmap_area_list") ?? info?.symbols["vmap_area_list"] {
      inUse = list(head)
      unpurged = symbols?.address(of: "purge_vmap_area_list").map { list($0) } ?? []
      if let purgeLink, let first = symbols?.address(of: "vmap_purge_list") {
        let chain = ListWalk.chain(
          from: reader.pointer(at: first), link: 0, reader: reader, limit: VmallocReader.areaLimit)
        unpurged += chain.nodes.map { $0 &- UInt64(purgeLink) &+ UInt64(link) }
      }
    } else if let nodes, let array = symbols?.address(of: "vmap_nodes").flatMap({ reader.pointer(at: $0) }),
      let count = symbols?.address(of: "nr_vmap_nodes").flatMap({ reader.unsigned(at: $0, size: 4) })
    {
      for index in 0..<min(Int(count), VmallocReader.nodeLimit) {
        // Lists in hostile memory may run into each other.
        let left = VmallocReader.areaLimit - inUse.count - unpurged.count
        inUse += list(array &+ UInt64(index * nodes.size + nodes.busy), limit: left / 2)
        unpurged += list(array &+ UInt64(index * nodes.size + nodes.lazy), limit: left / 2)
      }
    }
    var result = inUse.compactMap { area(at: $0 &- UInt64(link)) }
    for node in unpurged {
      guard let range = range(at: node &- UInt64(link)) else { continue }
      result.append((VmallocArea(unpurged: range), nil))
    }
    result.sort { $0.area.range.lowerBound < $1.area.range.lowerBound }
    let starts = result.map(\.area.range)
    return result.map { found in
      var area = found.area
      // Such a list is too long for physically contiguous memory.
      area.hasLargePageList = found.pageList.map { isInside(starts, $0) } ?? false
      return area
    }
  }

  private func isInside(_ ranges: [Range<UInt64>], _ address: UInt64) -> Bool {
    let next = ranges.partitioningIndex { $0.lowerBound > address }
    return next > 0 && ranges[next - 1].contains(address)
  }

  private func list(_ head: UInt64, limit: Int = VmallocReader.areaLimit) -> [UInt64] {
    ListWalk.nodes(head: head, reader: reader, limit: limit).nodes
  }

  private func range(at address: UInt64) -> Range<UInt64>? {
    guard let first = reader.pointer(at: address &+ UInt64(start)),
      let last = reader.pointer(at: address &+ UInt64(end)), first < last,
      (first | last) & (Frame.size - 1) == 0
    else { return nil }
    return first..<last
  }

  private func area(at address: UInt64) -> (area: VmallocArea, pageList: UInt64?)? {
    guard let range = range(at: address) else { return nil }
    let first = range.lowerBound
    // In an area without an owner, the field holds a size or flags.
    guard let parts, let area = reader.pointer(at: address &+ UInt64(structure)), area != 0,
      let own = reader.pointer(at: area &+ UInt64(parts.address)), own == first,
      let size = reader.pointer(at: area &+ UInt64(parts.size)), size > 0, size <= range.upperBound &- first,
      let flags = reader.pointer(at: area &+ UInt64(parts.flags))
    else { return (VmallocArea(ownerless: range), nil) }
    let pages = parts.pages
    let physical = parts.physical.flatMap { reader.unsigned(at: area &+ UInt64($0.offset), size: $0.size) }
    return (
      VmallocArea(
        range: first..<first &+ size,
        caller: reader.pointer(at: area &+ UInt64(parts.caller)).flatMap { $0 == 0 ? nil : $0 },
        kinds: VmallocArea.Kinds(rawValue: flags & 0x1f),
        pages: pages.flatMap { reader.unsigned(at: area &+ UInt64($0.count), size: 4) }.map { Int($0) },
        physical: physical.flatMap { $0 == 0 ? nil : PhysicalAddress($0) }),
      pages.flatMap { reader.pointer(at: area &+ UInt64($0.list)) }
    )
  }
}
