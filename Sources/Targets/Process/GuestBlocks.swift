import Glibc
import PageTables

/// Finds a guest's blocks of memory among the mappings of its process.
enum GuestBlocks {
  /// - Throws: `noMemoryFound` where a backend cannot be told from other mappings.
  static func find(
    _ layout: GuestLayout, _ maps: ProcessMaps, name: String
  ) throws(TargetError) -> [HostPlace] {
    var starts: [UInt64] = []
    for backend in layout.backends {
      guard backend.size > 0 else { throw .noMemoryFound(name, reason: "its command line says a size of 0") }
      // Backends of the same size lie in the order in which they were made, from the top of the address space down.
      let found = candidates(backend, maps).reversed().first { !starts.contains($0) }
      guard let found else {
        throw .noMemoryFound(
          name,
          reason: "its command line says a block of \(backend.size >> 20) MiB, and no mapping is one; use QMP"
        )
      }
      starts.append(found)
    }
    return layout.places.flatMap { place in
      pieces(place.range, without: layout.holes).map { piece in
        let offset = place.offset + (piece.start.value - place.range.start.value)
        return HostPlace(
          block: RamMap.Block(range: piece, region: "ram", offset: offset),
          address: starts[place.backend] + offset)
      }
    }
  }

  /// Where a backend may begin, ascending.
  private static func candidates(_ backend: GuestLayout.Backend, _ maps: ProcessMaps) -> [UInt64] {
    let writable = maps.mappings.filter { $0.isWritable && $0.length >= backend.size }
    if let path = backend.path {
      // A folder, such as one of huge pages, gets a file without a name.
      let named = writable.filter { $0.path == path || $0.path.hasPrefix(path + "/") }
      if !named.isEmpty { return named.map(\.start) }
    }
    let exact = writable.filter { $0.length == backend.size }
    if !exact.isEmpty { return exact.map(\.start) }
    // What lies below may have been joined with it; above it is a page that nobody may touch.
    return writable.filter { $0.file == nil && !$0.path.hasPrefix("[") }.map { $0.end - backend.size }
  }

  private static func pieces(_ range: PhysicalRange, without holes: PhysicalRanges) -> [PhysicalRange] {
    var pieces: [PhysicalRange] = []
    var start = range.start
    for hole in holes.overlap(with: range) {
      pieces.append(PhysicalRange(start, hole.start))
      start = hole.end
    }
    return (pieces + [PhysicalRange(start, range.end)]).filter { $0.length > 0 }
  }

  /// A PC's firmware, which ends at 4 GiB: a block of its own, with the jump that a processor begins with 16 bytes
  /// before its end (Intel SDM Vol. 3A, 11.1.4), and the date behind it that PCs have there.
  static func firmware(process: Int32, _ maps: ProcessMaps) -> HostPlace? {
    let likely = maps.mappings.filter { mapping in
      mapping.isWritable && mapping.file == nil && mapping.path.isEmpty && mapping.length % (64 << 10) == 0
        && mapping.length <= 16 << 20
    }
    let descriptor = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    // A mapping is no physical address; but the reading is the same.
    let memory = DescriptorMemory(
      descriptor: descriptor,
      places: likely.map { mapping in
        DescriptorMemory.Place(
          range: PhysicalRange(PhysicalAddress(mapping.end - Frame.size), PhysicalAddress(mapping.end)),
          offset: mapping.end - Frame.size)
      })
    let found = likely.filter { mapping in
      let isFirmware = try? memory.withPage(at: PhysicalAddress(mapping.end - Frame.size)) { page in
        let end = (0..<16).map { page.unsafeLoad(fromByteOffset: 4080 + $0, as: UInt8.self) }
        return end[0] == 0xea && end[7] == UInt8(ascii: "/") && end[10] == UInt8(ascii: "/")
      }
      return isFirmware == true
    }
    guard found.count == 1, let only = found.first else { return nil }
    let end: UInt64 = 4 << 30
    let range = PhysicalRange(PhysicalAddress(end - only.length), PhysicalAddress(end))
    return HostPlace(block: RamMap.Block(range: range, region: "firmware", offset: 0), address: only.start)
  }
}
