import PageTables

/// An ELF core whose segments have virtual addresses but no physical ones, such as hyperlight's crash dumps.
///
/// Where the physical place of one segment is known, the page tables in it tell where the others lie. No note says
/// which page is the root: each page is tried, and must translate the segments.
struct VirtualCore {
  /// Segments with bytes in the file.
  let segments: [ElfSegment]
  let machine: Machine

  /// The result of reading the tables in a core.
  struct Placed {
    /// Where the segments lie, as far as known.
    var claims: [SegmentClaim]
    /// The roots that translate most of the segments; several where they translate the same ones.
    var roots: [AddressSpace]
    /// Bytes of segments whose place is unknown.
    var missing: UInt64
  }

  /// How many segments are tried in the first test of a page: enough to tell roots from other pages.
  private static let segmentsProbed = 64
  /// How many pages are examined closely, beginning with those that translate most.
  private static let rootsExamined = 16
  /// The most rounds in which newly placed segments are searched for tables; one per level is enough.
  private static let rounds = 5

  /// - Parameters:
  ///   - places: at least one address in each segment whose place is known.
  ///   - memory: makes a memory from the file that the segments lie in.
  func place(
    by places: [LinearPlace], memory: ([SegmentClaim]) throws(ImageError) -> SegmentedMemory
  ) throws(ImageError) -> Placed {
    let known = segments.compactMap { place(of: $0, by: places) }
    var placed = Placed(claims: known, roots: [], missing: 0)
    placed.roots = roots(known, in: try memory(known))
    let unknown = segments.filter { place(of: $0, by: places) == nil }
    var translated: UInt64 = 0
    for _ in 0..<Self.rounds {
      guard let root = placed.roots.first else { break }
      let found = claims(of: unknown, by: root, in: try memory(placed.claims))
      let bytes = found.reduce(0) { $0 &+ $1.fileSize }
      guard bytes > translated else { break }
      translated = bytes
      // Known places come first: where they overlap found ones, the known ones win.
      placed.claims = known + found
    }
    let wanted = unknown.reduce(UInt64(0)) { $0.saturatingAdding($1.claim.fileSize) }
    placed.missing = wanted - min(wanted, translated)
    return placed
  }

  /// A segment whose place is known.
  private func place(of segment: ElfSegment, by places: [LinearPlace]) -> SegmentClaim? {
    guard
      let place = places.first(where: { $0.virtual.value &- segment.virtual < segment.claim.fileSize })
    else { return nil }
    var claim = segment.claim
    claim.physical = place.physical.value &- (place.virtual.value &- segment.virtual)
    claim.memorySize = claim.fileSize
    return claim
  }

  /// The pages that translate the known segments to their places, and most of the others to anywhere.
  private func roots(_ known: [SegmentClaim], in memory: SegmentedMemory) -> [AddressSpace] {
    let probes = known.prefix(Self.segmentsProbed).compactMap { claim in
      segments.first { $0.claim.fileOffset == claim.fileOffset }.map { ($0.virtual, claim.physical) }
    }
    guard !probes.isEmpty else { return [] }
    let others = segments.prefix(Self.segmentsProbed).map(\.virtual)
    var best: [(space: AddressSpace, count: Int)] = []
    for scheme in schemes {
      for range in memory.populated.ranges {
        var address = range.start
        while address < range.end {
          defer { address = address.advanced(by: Frame.size) }
          let space = AddressSpace(name: AddressText.hex(address.value), root: address, scheme: scheme)
          let isRight = probes.allSatisfy { virtual, physical in
            space.translate(VirtualAddress(virtual), in: memory).page?.physical.value == physical
          }
          guard isRight else { continue }
          let count = others.count { space.translate(VirtualAddress($0), in: memory).page != nil }
          best.append((space, count))
          if best.count > 2 * Self.rootsExamined { best = Self.most(best) }
        }
      }
    }
    let examined = Self.most(best).map { candidate in
      (
        space: candidate.space,
        bytes: claims(of: segments, by: candidate.space, in: memory).reduce(UInt64(0)) { $0 &+ $1.fileSize }
      )
    }
    let most = examined.map(\.bytes).max() ?? 0
    return examined.filter { $0.bytes == most }.map(\.space).sorted { $0.root < $1.root }
  }

  /// The candidates that translate most.
  private static func most(
    _ candidates: [(space: AddressSpace, count: Int)]
  ) -> [(space: AddressSpace, count: Int)] {
    Array(candidates.sorted { ($0.count, $1.space.root) > ($1.count, $0.space.root) }.prefix(rootsExamined))
  }

  private var schemes: [PagingScheme] { machine.schemes }

  /// Where the parts of these segments that a root translates lie.
  private func claims(
    of segments: [ElfSegment], by root: AddressSpace, in memory: SegmentedMemory
  ) -> [SegmentClaim] {
    var found: [SegmentClaim] = []
    for segment in segments where found.count < ElfFile.segmentLimit {
      let size = segment.claim.fileSize
      _ = root.forEachRange(
        in: memory, from: VirtualAddress(segment.virtual),
        through: VirtualAddress(segment.virtual &+ (size - 1))
      ) { range in
        let start = max(range.virtual.value, segment.virtual)
        let skipped = start - range.virtual.value
        guard range.length > skipped else { return true }
        // Where tables repeat endlessly, one page represents all.
        let length = min(
          range.isOneFrame ? Frame.size : range.length - skipped, size - (start - segment.virtual))
        found.append(
          SegmentClaim(
            physical: range.physical.value &+ skipped, memorySize: length,
            fileOffset: segment.claim.fileOffset.saturatingAdding(start - segment.virtual), fileSize: length))
        return found.count < ElfFile.segmentLimit
      }
    }
    return found
  }
}

/// The layout of hyperlight's guests on amd64 (`hyperlight_common`, `arch/amd64/layout.rs` and `layout.rs`).
enum HyperlightLayout {
  /// The end of the scratch region, exclusive, in the guest's virtual memory (`SCRATCH_TOP_GVA`) and in its physical
  /// memory (`SCRATCH_TOP_GPA`).
  private static let virtualEnd: UInt64 = 0xffff_ffff_ffff_f000
  private static let physicalEnd: UInt64 = 0x10_0000_0000
  /// The offset, below the region's end, of the region's size (`SCRATCH_TOP_SIZE_OFFSET`).
  private static let sizeOffset: UInt64 = 8
  /// The most memory that a guest may have (`SandboxMemoryLayout::MAX_MEMORY_SIZE`, rounded up).
  private static let mostMemory: UInt64 = 16 << 30

  /// Where the segments of the scratch region lie, which holds all tables; empty for cores of other programs.
  static func places(_ segments: [ElfSegment], _ file: borrowing MappedFile) -> [LinearPlace] {
    // No user process has memory at this address: the segment is the kernel's.
    let last = segments.first {
      $0.virtual < virtualEnd && virtualEnd - $0.virtual == $0.claim.fileSize
        && $0.claim.fileSize <= mostMemory
    }
    guard let last else { return [] }
    let word = file.load(UInt64.self, at: last.claim.fileOffset &+ last.claim.fileSize &- sizeOffset) ?? 0
    let isSize = word >= last.claim.fileSize && word <= mostMemory && word % Frame.size == 0
    let start = virtualEnd - (isSize ? word : last.claim.fileSize)
    return segments.filter { $0.virtual >= start && $0.virtual < virtualEnd }.map { segment in
      LinearPlace(
        VirtualAddress(segment.virtual), PhysicalAddress(physicalEnd - (virtualEnd - segment.virtual)))
    }
  }
}
