import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What is read out of the tables of AArch64 and RISC-V guests, against what the guest's kernel and QEMU said of them.
@Suite struct OtherMachineTruthTests {
  private struct Opened {
    let image: MemoryImage
    let spaces: [FoundSpace]

    init(_ guest: OtherGuestTruth) throws {
      image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
      spaces = try SpaceDiscovery(SpaceSearch(image)).all().spaces
    }

    func space(_ root: OtherGuestTruth.Root) throws -> FoundSpace {
      try #require(
        spaces.first { $0.space.root.value == root.lower }, "\(root.name) is not listed")
    }

    /// The index of the spaces with these roots, in their order.
    func index(of roots: [OtherGuestTruth.Root]) throws -> SpaceIndex {
      try #require(SpaceIndex(roots.map { try space($0).space }, memory: image.memory))
    }
  }

  @Test(arguments: OtherGuestTruth.all)
  func everyRootOfTheRegistersIsASpaceWithItsName(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    for root in try guest.roots() {
      let found = try opened.space(root)
      #expect(found.space.windows.map(\.root.value) == [root.lower] + (root.upper.map { [$0] } ?? []))
      #expect(found.space.windows.allSatisfy { $0.scheme.name == guest.schemeName })
      #expect(!found.isPossiblyStale)
      // Two processes in one space have one name; one that has none is called after its program, /init.
      if root.name != "one_space_b" { #expect(found.space.name == (root.name.isEmpty ? "init" : root.name)) }
    }
    #expect(opened.spaces[0].isKernelsOwn)
  }

  /// Without the list that the capture carries, and without a register.
  @Test(arguments: OtherGuestTruth.all)
  func theScanFindsEveryRoot(_ guest: OtherGuestTruth) throws {
    var image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    image.capture = nil
    let search = SpaceSearch(image)
    let spaces = try #require(search.scan(known: search.known()) { _ in true }).spaces
    for root in try guest.roots() {
      let found = try #require(spaces.first { $0.space.root.value == root.lower }, "\(root.name) is missed")
      #expect(found.space.windows.map(\.root.value) == [root.lower] + (root.upper.map { [$0] } ?? []))
      #expect(found.space.scheme.name == guest.schemeName)
      #expect(!found.isPossiblyStale)
    }
  }

  @Test(arguments: OtherGuestTruth.all)
  func everyPageOfThePagemapIsAtItsFrame(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let roots = try guest.roots()
    let closed = try guest.regions().filter { $0.permissions.hasPrefix("---") }
    var counts = (present: 0, swapped: 0, closed: 0)
    for page in try guest.pages() {
      let root = try #require(roots.first { $0.pid == page.pid })
      let translation = try opened.space(root).space.translate(
        VirtualAddress(page.va), in: opened.image.memory)
      let place = "\(root.name) 0x\(String(page.va, radix: 16))"
      let isClosed = closed.contains { $0.pid == page.pid && $0.start <= page.va && page.va < $0.end }
      if page.isSwapped {
        guard case .fault(.marked) = translation.outcome else {
          Issue.record("a swapped page is not marked: \(place)")
          continue
        }
        counts.swapped += 1
      } else if isClosed {
        guard case .fault(.marked(let mark)) = translation.outcome else {
          Issue.record("a page that may not be touched is not marked: \(place)")
          continue
        }
        #expect(mark?.name == "PROT_NONE", "\(place)")
        #expect(mark?.address == Frame(page.frame).start, "\(place)")
        counts.closed += 1
      } else {
        #expect(translation.page?.physical == Frame(page.frame).start, "\(place)")
        counts.present += 1
      }
    }
    #expect(counts.present > 1000)
    // The processes `swap` and `protect`.
    #expect(counts.swapped == 8)
    #expect(counts.closed == 4)
  }

  /// A page of 4 KiB: where QEMU has it, and with which bits in its leaf.
  private struct PrintedPage: Hashable {
    let va: UInt64
    let pa: UInt64
    let flags: String
  }

  /// RISC-V privileged specification, Sv39: R 1, W 2, X 3, U 4, G 5, A 6, D 7.
  private static func letters(_ raw: UInt64) -> String {
    String("rwxugad".enumerated().map { raw >> UInt64($0 + 1) & 1 == 1 ? $1 : "-" })
  }

  @Test func theLeavesOfRISCVAreExactlyThoseOfInfoMem() throws {
    let guest = try #require(OtherGuestTruth.all.first { !$0.hasTwoWindows })
    let opened = try Opened(guest)
    let blocks = try guest.blocks()
    func pages(_ block: OtherGuestTruth.Block) -> [PrintedPage] {
      stride(from: 0, to: block.bytes, by: 4096).map {
        PrintedPage(va: block.va + $0, pa: block.pa + $0, flags: block.flags)
      }
    }
    let common = blocks.filter { $0.root == nil }.flatMap(pages)
    #expect(common.count > 10_000)
    var seen: Set<UInt64> = []
    for root in try guest.roots() where seen.insert(root.lower).inserted {
      let expected = Set(common + blocks.filter { $0.root == root.lower }.flatMap(pages))
      let space = try opened.space(root).space
      var found: Set<PrintedPage> = []
      let summary = space.forEachLeaf(in: opened.image.memory) { leaf in
        for offset in stride(from: 0, to: space.scheme.levels[leaf.level].span, by: 4096) {
          found.insert(
            PrintedPage(
              va: leaf.virtual.value + offset, pa: leaf.physical.value + offset, flags: Self.letters(leaf.raw)
            ))
        }
        return true
      }
      #expect(summary.missingTables == 0 && summary.malformedEntries == 0)
      let missing = expected.subtracting(found)
      let surplus = found.subtracting(expected)
      #expect(missing.isEmpty, "\(root.name): \(missing.count), such as \(String(describing: missing.first))")
      #expect(surplus.isEmpty, "\(root.name): \(surplus.count), such as \(String(describing: surplus.first))")
    }
  }

  @Test func whatQEMUTranslatesOnAArch64IsThere() throws {
    let guest = try #require(OtherGuestTruth.all.first { $0.hasTwoWindows })
    let opened = try Opened(guest)
    let first = try #require(guest.roots().first { $0.pid == 1 })
    let space = try opened.space(first).space
    var pages = (kernel: 0, user: 0)
    for block in try guest.blocks() {
      for offset in stride(from: 0, to: block.bytes, by: 4096) {
        let found = space.translate(VirtualAddress(block.va + offset), in: opened.image.memory).page?.physical
          .value
        #expect(found == block.pa + offset, "0x\(String(block.va + offset, radix: 16))")
        if block.va >= OtherGuestTruth.kernelStart { pages.kernel += 1 } else { pages.user += 1 }
      }
    }
    #expect(pages.kernel > 5000 && pages.user > 400)
  }

  @Test(arguments: OtherGuestTruth.all)
  func everyRegionOfAProcessIsNamed(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let lines = try #require(opened.image.capture?.regionLines)
    let captured = CapturedRegions(lines: lines)
    let roots = try guest.roots()
    for region in try guest.regions() {
      let root = try #require(roots.first { $0.pid == region.pid })
      let names = try #require(captured.names(of: try opened.space(root)))
      for address in [region.start, region.end - 1] {
        let found = try #require(names.region(at: VirtualAddress(address)), "\(root.name) \(region)")
        #expect(found.permissions == region.permissions)
        #expect(found.name == region.name)
      }
    }
  }

  @Test(arguments: OtherGuestTruth.all)
  func aliasesOfEverySharedFrameAreItsMappings(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let roots = try guest.roots()
    let index = try opened.index(of: roots)
    let shared = try guest.users().filter { $0.value.count > 1 }
    #expect(shared.count > 100)
    for (frame, expected) in shared {
      let aliases = index.aliases(of: Frame(frame).start, in: opened.image.memory)
      let found = aliases.groups.filter { $0.first.access.contains(.user) }.flatMap { group in
        index.members(of: group, mapping: aliases.physical, limit: .max)
          .map { SharingTruth.UserPage(pid: roots[$0.spaceNumber].pid, va: $0.virtual.value) }
      }
      #expect(found.sorted() == expected, "frame \(String(frame, radix: 16))")
    }
  }

  @Test(arguments: OtherGuestTruth.all)
  func countsOfEveryTableAreTheTruths(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let roots = try guest.roots()
    let index = try opened.index(of: roots)
    let tables = try guest.tables()
    #expect(index.tableCount == tables.count)
    for (table, reach) in tables {
      let reference = TableReference(address: PhysicalAddress(table.address), level: table.level)
      let sharing = try #require(index.sharing(of: reference, in: 0, window: 0))
      func isReached(by root: OtherGuestTruth.Root) -> Bool {
        reach.roots.contains(root.lower) || root.upper.map(reach.roots.contains) == true
      }
      #expect(sharing.spaces == roots.count(where: isReached))
      #expect(sharing.owner == roots.firstIndex(where: isReached))
    }
  }

  /// The pages of vmalloc areas and of the image that lie on a frame of a process: BPF's array and ring (Samples/README.md).
  @Test(arguments: OtherGuestTruth.all)
  func theKernelsMappingsOfUserFramesAreMirrors(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let roots = try guest.roots()
    let index = try opened.index(of: roots)
    let users = try guest.users()
    let directMaps = index.directMaps(in: 0, window: 0).offsets
    #expect(directMaps.count == 1)
    var truth: [UInt64: [SharingTruth.UserPage]] = [:]
    for block in try guest.blocks()
    where block.va >= OtherGuestTruth.kernelStart && !block.flags.contains("u") {
      guard !directMaps.contains(block.va &- block.pa) else { continue }
      for offset in stride(from: 0, to: block.bytes, by: 4096) {
        truth[block.va + offset] = users[(block.pa + offset) >> 12]
      }
    }
    #expect(truth.count >= 17)
    let mirrors = Mirrors(of: index, in: opened.image.memory)
    #expect(mirrors.isComplete)
    var found: Set<UInt64> = []
    for mirror in mirrors.all {
      for offset in stride(from: 0, to: mirror.length, by: 4096) {
        let page = try #require(truth[mirror.kernelVA.value + offset], "no mirror at \(mirror.kernelVA)")
        let user = SharingTruth.UserPage(
          pid: roots[mirror.spaceNumber].pid, va: mirror.userVA.value + offset)
        #expect(page.contains(user))
        found.insert(mirror.kernelVA.value + offset)
      }
    }
    #expect(found == Set(truth.keys))
  }

  @Test(arguments: OtherGuestTruth.all)
  func theTwoProcessesWithOneTableForHugePagesShareThat(_ guest: OtherGuestTruth) throws {
    let opened = try Opened(guest)
    let spaces = opened.spaces
    let index = try #require(
      SpaceIndex(spaces.map(\.space), memory: opened.image.memory, copies: spaces.copies))
    let isLive = { (number: Int) in !spaces[number].isPossiblyStale }
    let everybodys = EverybodysTables(
      of: index, in: opened.image.memory, kernelStart: \.usualKernelStart,
      isAsked: { isLive($0) && spaces[$0].role != .special })
    let shares = ParticularShares(
      of: index, beside: everybodys, kernelStart: \.usualKernelStart, isWanted: isLive)
    let names = shares.all.map { share in share.places.map { spaces[$0.spaceNumber].space.name } }
    #expect(names == [["hugetlb_a", "hugetlb_b"]])
  }
}
