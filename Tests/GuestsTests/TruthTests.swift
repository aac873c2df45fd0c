import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What the engine reads out of real guests' tables, against what the guest's kernel and QEMU said of them.
@Suite struct TruthTests {
  private func open(_ guest: GuestTruth) throws -> (image: MemoryImage, spaces: [FoundSpace]) {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let known = try SpaceSearch(image).known()
    let all = try #require(SpaceSearch(image).scan(known: known) { _ in true })
    return (image, all.spaces)
  }

  private func space(_ root: UInt64, _ spaces: [FoundSpace]) throws -> AddressSpace {
    try #require(
      spaces.first { $0.space.root.value == root }, "root \(String(root, radix: 16)) is not listed"
    ).space
  }

  @Test(arguments: GuestTruth.all)
  func everyRootOfTheTruthIsListedAsAlive(_ guest: GuestTruth) throws {
    let spaces = try open(guest).spaces
    for root in try guest.roots() {
      for address in guest.rootAddresses(of: root) {
        let found = try #require(spaces.first { $0.space.root.value == address }, "\(root.name)")
        #expect(found.space.scheme.name == guest.schemeName)
        #expect(!found.isPossiblyStale, "\(root.name)")
      }
    }
  }

  /// What the scan must find by itself, without the list that the capture carries.
  @Test(arguments: GuestTruth.all, [true, false])
  func theScanFindsEveryRoot(_ guest: GuestTruth, knowsCPUs: Bool) throws {
    var image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    image.capture = nil
    if !knowsCPUs { image.cpus = [] }
    let search = SpaceSearch(image)
    let known = try search.known()
    #expect(known.spaces.isEmpty == !knowsCPUs)
    let spaces = try #require(search.scan(known: known) { _ in true }).spaces
    for root in try guest.roots() {
      for address in guest.rootAddresses(of: root) {
        let found = try #require(spaces.first { $0.space.root.value == address }, "\(root.name) is missed")
        #expect(found.space.scheme.name == guest.schemeName)
        #expect(!found.isPossiblyStale)
        if guest.hasIsolation {
          let other = PhysicalAddress(address ^ 0x1000)
          let isolation: FoundSpace.Isolation =
            guest.isUserCopy(address) ? .userCopy(kernelRoot: other) : .kernelCopy(userRoot: other)
          #expect(found.isolation == isolation)
        } else {
          #expect(found.isolation == .none)
        }
      }
    }
    let firstStale = spaces.firstIndex(where: \.isPossiblyStale) ?? spaces.count
    #expect(!spaces[firstStale...].contains { !$0.isPossiblyStale })
  }

  @Test(arguments: GuestTruth.all)
  func everyPageOfThePagemapIsAtItsFrame(_ guest: GuestTruth) throws {
    let (image, spaces) = try open(guest)
    let roots = try guest.roots()
    var present = 0
    var marked = 0
    for pages in try guest.pages() {
      let root = try #require(roots.first { $0.pid == pages.pid })
      for address in guest.rootAddresses(of: root) {
        let space = try space(address, spaces)
        for page in 0..<pages.count {
          let va = VirtualAddress(pages.va + page * 4096)
          let translation = space.translate(va, in: image.memory)
          let place = "\(root.name) 0x\(String(va.value, radix: 16))"
          if pages.flags.contains("S") {
            guard case .fault(.marked) = translation.outcome else {
              Issue.record("swapped page is not marked: \(place)")
              continue
            }
            marked += 1
          } else if case .fault(.marked(let mark)) = translation.outcome {
            // PROT_NONE: present for the kernel, not for the CPU.
            #expect(mark?.name == "PROT_NONE", "\(place)")
            #expect(mark?.address == Frame(pages.pfn + page).start, "\(place)")
            #expect(root.name == "protect", "\(place)")
            marked += 1
          } else {
            #expect(translation.page?.physical == Frame(pages.pfn + page).start, "\(place)")
            present += 1
          }
        }
      }
    }
    #expect(present > 1000)
    // 8 swapped pages and 4 of PROT_NONE, in each of a process's roots.
    #expect(marked == (guest.hasIsolation ? 24 : 12))
  }

  /// A leaf, with the bits of its entry as `info tlb` prints them.
  private struct PrintedLeaf: Hashable {
    let va: UInt64
    let pa: UInt64
    let pageSize: UInt64
    let flags: String
  }

  /// QEMU's letters for the bits of a leaf entry.
  private func letters(_ raw: UInt64, hasExecuteDisable: Bool) -> String {
    let bits: [(Character, UInt64)] = [
      ("X", 63), ("G", 8), ("P", 7), ("D", 6), ("A", 5), ("C", 4), ("T", 3), ("U", 2), ("W", 1),
    ]
    return String(
      bits.map { letter, bit in (raw >> bit) & 1 == 1 && (bit < 63 || hasExecuteDisable) ? letter : "-" })
  }

  @Test(arguments: GuestTruth.all)
  func theLeavesAreExactlyThoseOfInfoTLB(_ guest: GuestTruth) throws {
    let (image, spaces) = try open(guest)
    let rows = try guest.leaves()
    let roots = Set(rows.compactMap(\.root))
    #expect(roots.count >= 20)
    for root in roots.sorted() {
      var expected: Set<PrintedLeaf> = []
      for row in rows where row.root == root || (row.root == nil && !guest.isUserCopy(root)) {
        for page in 0..<row.count {
          expected.insert(
            PrintedLeaf(
              va: row.va + page * row.pageSize, pa: row.pa + page * row.pageSize, pageSize: row.pageSize,
              flags: row.flags))
        }
      }
      let space = try space(root, spaces)
      var found: Set<PrintedLeaf> = []
      let summary = space.forEachLeaf(in: image.memory) { leaf in
        found.insert(
          PrintedLeaf(
            va: leaf.virtual.value, pa: leaf.physical.value, pageSize: space.scheme.levels[leaf.level].span,
            flags: letters(leaf.raw, hasExecuteDisable: guest.schemeName != "x86-32")))
        return true
      }
      #expect(summary.missingTables == 0 && summary.malformedEntries == 0)
      let missing = expected.subtracting(found)
      let surplus = found.subtracting(expected)
      #expect(
        missing.isEmpty,
        "root \(String(root, radix: 16)): \(missing.count), such as \(String(describing: missing.first))")
      #expect(
        surplus.isEmpty,
        "root \(String(root, radix: 16)): \(surplus.count), such as \(String(describing: surplus.first))")
    }
  }

  @Test(arguments: GuestTruth.all.filter { $0.name != "linux-x86_64-la57" })
  func theRightsOfPathsAreThoseOfInfoMem(_ guest: GuestTruth) throws {
    let (image, spaces) = try open(guest)
    let rows = try guest.rights()
    for root in Set(rows.compactMap(\.root)).sorted() {
      let expected = rows.filter { $0.root == root || ($0.root == nil && !guest.isUserCopy(root)) }
        .sorted { $0.start < $1.start }
      let space = try space(root, spaces)
      // `info mem` knows nothing of execution, so ranges are joined over it.
      var found: [(start: UInt64, end: UInt64, flags: String)] = []
      _ = space.forEachRange(in: image.memory, merging: .virtualOnly) { range in
        let flags =
          (range.access.contains(.user) ? "u" : "-") + "r" + (range.access.contains(.write) ? "w" : "-")
        if let last = found.last, last.end == range.virtual.value, last.flags == flags {
          found[found.count - 1].end = range.end
        } else {
          found.append((range.virtual.value, range.end, flags))
        }
        return true
      }
      let theirs = joined(expected)
      #expect(found.count == theirs.count)
      for (ours, theirs) in zip(found, theirs) {
        #expect(ours.start == theirs.start && ours.flags == theirs.flags)
        #expect(ours.end == theirs.end || theirs.end == 1 << 32 || theirs.end == 0)
      }
    }
  }

  /// The rows that all roots share and a root's own are cut where they meet.
  private func joined(_ rows: [GuestTruth.Rights]) -> [(start: UInt64, end: UInt64, flags: String)] {
    var result: [(start: UInt64, end: UInt64, flags: String)] = []
    for row in rows {
      if let last = result.last, last.end == row.start, last.flags == row.flags {
        result[result.count - 1].end = row.end
      } else {
        result.append((row.start, row.end, row.flags))
      }
    }
    return result
  }
}
