import MemoryImages
import PageTables

/// Finds the kernel's VMCOREINFO: in the dump's notes, or in memory, where the kernel keeps it in a page of
/// its own, as an ELF note.
struct VmcoreinfoSearch {
  let image: MemoryImage

  /// Copies that are looked at; a guest may hold dumps of other guests.
  private static let candidateLimit = 64
  /// `namesz` 11, the name behind 12 bytes of header, padded to 4 (ELF gABI, "Note Section").
  private static let name = Array("VMCOREINFO\0".utf8)
  private static let textOffset = 24

  /// What the headers hold, nil when they hold none that can be read.
  func inNotes() -> Vmcoreinfo? { image.vmcoreinfo.flatMap { Vmcoreinfo($0) } }

  /// The first in memory that `accept` makes something of, and what that is; nil also when `progress` stopped
  /// the search.
  ///
  /// - Parameters:
  ///   - ranges: what is searched; nil for all that can be read.
  ///   - limit: bytes that are looked at; all of them where there is no other way.
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
      // One compare a page for all but a few: the size of the name, then the name's first bytes.
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

  /// Bytes that are looked at before the other end has its turn: so many, or a part of a very large memory.
  private static let leastStretch: UInt64 = 64 << 20
  private static let mostStretches: UInt64 = 4096

  /// Memory by turns from its start and from its end: what kernels ask for early lies near one of them.
  static func order(_ ranges: PhysicalRanges) -> [PhysicalRange] {
    let stretch = max(leastStretch, ranges.length / mostStretches & ~(leastStretch - 1))
    var pieces: [PhysicalRange] = []
    for range in ranges.ranges {
      var start = range.start
      while start < range.end {
        // The first piece ends where all others can be of one size.
        let length = min(stretch - start.value % stretch, range.end.value - start.value)
        pieces.append(PhysicalRange(start, start.advanced(by: length)))
        start = start.advanced(by: length)
      }
    }
    return (0..<pieces.count).map { $0 % 2 == 0 ? pieces[$0 / 2] : pieces[pieces.count - 1 - $0 / 2] }
  }

  /// Shared between the pass and its progress, which is where it can be stopped.
  private final class GoesOn {
    var value = true
  }

  private static let nameStart = name.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
}
