import PageTables
import TestSupport
import Testing

/// What spaces share, listed and rebuilt, on AArch64 and RISC-V: random tables of every granule and size of window.
@Suite struct SharingOnOtherArchitecturesTests {
  /// Roots that one scheme reads, some of them twice.
  struct Roots: CustomStringConvertible, Sendable {
    let scheme: PagingScheme
    let roots: [PhysicalAddress]
    let memory: TableMemory
    let seed: UInt64

    var description: String { "\(scheme.name), seed \(seed)" }
    var spaces: [AddressSpace] { roots.spaces(scheme) }
  }

  private static let cases: [Roots] =
    RandomArmTables.shapes.flatMap { shape in
      (UInt64(10)..<13).flatMap { seed -> [Roots] in
        let tables = RandomArmTables(shape, seed: seed)
        return [false, true].map { isUpper in
          let windows = tables.spaces.flatMap(\.windows).filter { ($0.first.value != 0) == isUpper }
          return Roots(
            scheme: windows[0].scheme, roots: windows.map(\.root) + [windows[0].root],
            memory: tables.memory, seed: seed)
        }
      }
    }
    + RandomRISCVTables.schemes.flatMap { name in
      (UInt64(0)..<12).map { seed in
        let tables = RandomRISCVTables(scheme: name, seed: seed)
        return Roots(
          scheme: tables.spaces[0].scheme, roots: tables.spaces.map(\.root) + [tables.spaces[0].root],
          memory: tables.memory, seed: seed)
      }
    }

  /// A page without what depends on the path.
  private struct Page: Hashable {
    let virtual: UInt64
    let physical: UInt64
    let level: Int
  }

  /// More pages than this in a space are not compared: paths multiply.
  private static let limit = 50_000

  /// The pages of each space, those behind a reference taken from its owner; nil where there are too many.
  private func expanded(_ walk: SharedWalk, _ scheme: PagingScheme) -> [[Page]]? {
    var pages: [[Page]] = []
    for items in walk.items {
      pages.append([])
      for item in items {
        switch item {
        case .table: break
        case .mapping(let range, _):
          let span = scheme.levels[range.level].span
          guard range.length / span < UInt64(Self.limit) else { return nil }
          for offset in stride(from: 0, to: range.length, by: Int(span)) {
            pages[pages.count - 1].append(
              Page(
                virtual: range.virtual.value &+ offset,
                physical: range.physical.value &+ (range.isOneFrame ? 0 : offset), level: range.level))
          }
        case .reference(let reference, _, _):
          // The owner stands earlier, or is the space itself. A length of 0 is that of all addresses.
          for page in pages[reference.owner] {
            let offset = page.virtual &- reference.theirVA.value
            guard offset <= reference.length &- 1 else { continue }
            pages[pages.count - 1].append(
              Page(
                virtual: reference.ourVA.value &+ offset, physical: page.physical, level: page.level))
          }
        }
        guard pages[pages.count - 1].count <= Self.limit else { return nil }
      }
    }
    return pages
  }

  @Test(arguments: cases) func expandedReferencesAreThePlainWalk(_ trial: Roots) {
    var plain: [[Page]] = []
    for space in trial.spaces {
      var pages: [Page] = []
      _ = space.forEachLeaf(in: trial.memory) { leaf in
        pages.append(
          Page(virtual: leaf.virtual.value, physical: leaf.physical.value, level: leaf.level))
        return pages.count <= Self.limit
      }
      guard pages.count <= Self.limit else { return }
      plain.append(pages)
    }
    let walk = walkSpaces(trial.spaces, in: trial.memory)
    // The last root is the first one's again.
    #expect(walk.items.last?.count == 1)
    #expect(expanded(walk, trial.scheme) == plain)
  }

  @Test(arguments: cases) func theCopyWalksAsTheOriginalDoes(_ trial: Roots) throws {
    let original = RebuiltCheck(trial.spaces, in: trial.memory)
    // With 52-bit addresses a block may be larger than all that the machine's addresses reach.
    let isFull = trial.scheme.levels[0].allowsLeaves || trial.scheme.name.contains("lpa")
    let copy = try rebuild(
      trial.roots, scheme: trial.scheme, in: trial.memory, at: isFull ? PhysicalAddress(0x4000_0000) : nil)
    #expect(original.differences(from: copy) == [])
  }

  /// Tables of 16 and 64 KiB lie at multiples of their size (Arm ARM, D8.2.7 and D8.2.8).
  @Test(arguments: ["aarch64-4k", "aarch64-16k", "aarch64-64k", "aarch64-16k-47", "aarch64-64k-42"])
  func whatIsMappedTranslates(_ name: String) throws {
    let scheme = try #require(PagingSchemes.named(name))
    let memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0x10_1000))
    let pages = Int(max(1, scheme.levels[0].tableSize >> 12))
    let root = try memory.allocate(runs: [pages], below: PhysicalAddress(1 << 32))[0].start
    #expect(root.value % scheme.levels[0].tableSize == 0)
    let space = AddressSpace(name: "", root: root, scheme: scheme)
    var virtual: UInt64 = 0x2_1234_0000
    for page in 0..<3 as Range<UInt64> {
      let physical = PhysicalAddress(0x8000_0000 + page * scheme.pageSize)
      try space.map(
        VirtualAddress(virtual), to: physical, length: scheme.pageSize, as: .basic([.write, .user]),
        in: memory)
      #expect(
        space.translate(VirtualAddress(virtual + 0x123), in: memory).page?.physical.value
          == physical.value + 0x123)
      virtual += 1 << 36
    }
  }
}
