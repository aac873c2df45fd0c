import MemoryImages
import PageTables

/// Finds the kernel's VMCOREINFO: in the dump's notes, or in memory, where the kernel keeps it as an ELF note in a
/// page of its own.
struct VmcoreinfoSearch {
  let image: MemoryImage

  /// The most copies examined; a guest may hold dumps of other guests.
  private static let candidateLimit = 64
  /// `namesz` is 11; the name follows 12 bytes of header and is padded to 4 (ELF gABI, "Note Section").
  private static let name = Array("VMCOREINFO\0".utf8)
  private static let textOffset = 24

  /// The VMCOREINFO in the dump's headers; nil if they have none that can be read.
  func inNotes() -> Vmcoreinfo? { image.vmcoreinfo.flatMap { Vmcoreinfo($0) } }

  /// The first one in memory for which `accept` returns a result, with that result; nil also when `progress`
  /// stopped the search.
  ///
  /// - Parameters:
  ///   - ranges: the memory to search; nil for all readable memory.
  ///   - limit: the most bytes to examine; all of them where there is no other way.
  func inMemory<Accepted>(
    in ranges: PhysicalRanges? = nil, limit: UInt64 = .max, _ progress: @escaping (Double) -> Bool,
    _ accept: (Vmcoreinfo) -> Accepted?
  ) -> (info: Vmcoreinfo, at: PhysicalAddress, accepted: Accepted)? {
    var found: (Vmcoreinfo, PhysicalAddress, Accepted)?
    var candidates = 0
    let goesOn = GoesOn()
    let pass = MemoryPass(memory: image.memory) { goesOn.value && progress($0) }
    let order = VmcoreinfoSearch.order(ranges ?? image.memory.extent.readable)
    var left = limit
    let pieces = order.prefix { piece in
      defer { left -= min(left, piece.length) }
      return left > 0
    }
    _ = pass.forEachPage(in: Array(pieces)) { address, page in
      // One comparison is enough for nearly all pages: the size of the name, then the name's first bytes.
      guard page.entry(at: 0, size: 4) == UInt64(VmcoreinfoSearch.name.count),
        page.entry(at: 12, size: 8) == VmcoreinfoSearch.nameStart, goesOn.value
      else { return }
      candidates += 1
      let size = min(Int(page.entry(at: 4, size: 4)), Int(Frame.size) - VmcoreinfoSearch.textOffset)
      let text = (0..<size).map {
        page.unsafeLoad(fromByteOffset: VmcoreinfoSearch.textOffset + $0, as: UInt8.self)
      }
      if let info = Vmcoreinfo(text), let accepted = accept(info) { found = (info, address, accepted) }
      goesOn.value = found == nil && candidates < VmcoreinfoSearch.candidateLimit
    }
    return found
  }

  /// The search alternates between the two ends of memory in steps of this many bytes, or larger ones if memory is
  /// very large.
  private static let leastStretch: UInt64 = 64 << 20
  private static let mostStretches: UInt64 = 4096

  /// Memory in alternating steps from its start and from its end: early allocations of a kernel lie near one of
  /// them.
  static func order(_ ranges: PhysicalRanges) -> [PhysicalRange] {
    let stretch = max(leastStretch, ranges.length / mostStretches & ~(leastStretch - 1))
    var pieces: [PhysicalRange] = []
    for range in ranges.ranges {
      var start = range.start
      while start < range.end {
        // The first piece has a length that lets all others be of equal size.
        let length = min(stretch - start.value % stretch, range.end.value - start.value)
        pieces.append(PhysicalRange(start, start.advanced(by: length)))
        start = start.advanced(by: length)
      }
    }
    return (0..<pieces.count).map { $0 % 2 == 0 ? pieces[$0 / 2] : pieces[pieces.count - 1 - $0 / 2] }
  }

  /// Shared by the pass and its progress closure, which can stop the pass.
  private final class GoesOn {
    var value = true
  }

  private static let nameStart = name.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
}
