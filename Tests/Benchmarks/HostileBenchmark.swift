import Glibc
import PageTables

/// Memories made to blow an index up: each must be done in 2 s and 200 MiB.
struct HostileBenchmark {
  /// Pages that lie in the process, one after the other from 0 on.
  private struct PageMemory: PhysicalMemory {
    let extent: MemoryExtent
    private let words: [UInt64]

    init(pages: Int, entry: (_ page: Int, _ slot: Int) -> UInt64) {
      words = (0..<pages * 512).map { entry($0 / 512, $0 % 512) }
      extent = MemoryExtent(
        readable: PhysicalRanges([
          PhysicalRange(PhysicalAddress(0), PhysicalAddress(UInt64(pages) * Frame.size))
        ]))
    }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
      let first = Int(address.frame.number) * 512
      return body(words.span.extracting(first..<first + 512).bytes)
    }
  }

  static func run() {
    for scheme in X86.all() {
      let present: UInt64 = scheme.name == "x86-pae" ? 1 : 7
      let isShort = scheme.levels[0].format.entrySize == 4
      let entry = isShort ? (0x1000 | present) << 32 | 0x1000 | present : 0x1000 | present
      measure("a page that points at itself", scheme, [0x1000], PageMemory(pages: 2) { _, _ in entry })
    }
    let tangle = PageMemory(pages: 4096) { page, slot in
      UInt64((page * 8 + slot * 8191 + 1) % 4096) << 12 | 7
    }
    measure("4,096 tables that point at each other", X86.paging4Level(), [0], tangle)
    let roots = (0..<4096).map { UInt64($0) << 12 }
    measure("the same, each of them a root", X86.paging4Level(), roots, tangle)
    // The kernel's alone, but for one entry: rights and mirrors must be looked for along paths.
    let closed = PageMemory(pages: 4096) { page, slot in
      UInt64((page * 8 + slot * 8191 + 1) % 4096) << 12 | (page == 77 && slot == 5 ? 7 : 3)
    }
    measure("the same, of supervisor tables", X86.paging4Level(), [0x1000], closed)
    // 2^18 user mappings and 2^17 of the kernel's, all of one frame.
    let oneFrame = PageMemory(pages: 800) { page, slot in
      switch page {
      case 0: slot == 0 ? 0x1007 : slot == 256 ? 0x2003 : 0
      case 1: slot == 0 ? 0x3007 : 0
      case 2: slot == 0 ? 0x4003 : 0
      case 3: UInt64(5 + slot) << 12 | 7
      case 4: slot < 256 ? UInt64(517 + slot) << 12 | 3 : 0
      case 5..<517: 799 << 12 | 7
      default: 799 << 12 | 3
      }
    }
    measure("one frame mapped 393,216 times", X86.paging4Level(), [0], oneFrame)
    let shadow = PageMemory(pages: 300) { page, slot in
      switch page {
      case 0: slot == 0 ? 0x1007 : 0
      case 1: slot < 196 ? UInt64(2 + slot) << 12 | 7 : 0
      case 2..<198: 198 << 12 | 7
      default: UInt64(slot + 1) << 12 | 7
      }
    }
    measure("a leaf table mapped 100,352 times", X86.paging4Level(), [0], shadow)
  }

  private static func measure(
    _ name: String, _ scheme: PagingScheme, _ roots: [UInt64], _ memory: PageMemory
  ) {
    let spaces = roots.map { AddressSpace(name: "", root: PhysicalAddress($0), scheme: scheme) }
    var paths: UInt64 = 0
    let time = measured(1) {
      guard let index = SpaceIndex(spaces, memory: memory) else { return }
      let aliases = index.aliases(of: PhysicalAddress(0x1000), in: memory)
      paths = aliases.count
      _ = Mirrors(of: index, in: memory)
      _ = index.memoryOfSpaces(in: memory, swapTest: { _ in { $0.raw & 2 != 0 } })
      _ = Findings(of: index, in: memory) { $0.upperHalf }
      _ = forEachSpaceItem(of: index.spaces, in: memory) { _, _ in true }
    }
    line("\(name), \(scheme.name)", time, goal: .seconds(2), of: "\(paths) aliases of 0x1000")
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    print("    peak memory so far \(usage.ru_maxrss / 1024) MiB, goal 200 MiB")
  }
}
