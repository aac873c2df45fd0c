import PageTables
import TestSupport

/// All that can be seen of a writable memory: what a failure must not change.
struct MemoryPicture: Equatable {
  private let extent: MemoryExtent
  private let pages: [Frame: [UInt64]]
  private let holders: [Frame: Int]

  /// `frames` are counted besides those that can be read.
  init(_ memory: any WritableMemory, counting frames: [Frame] = []) {
    extent = memory.extent
    var pages: [Frame: [UInt64]] = [:]
    for range in extent.readable.ranges {
      for number in range.start.frame.number..<range.end.frame.number {
        let start = Frame(number).start
        pages[Frame(number)] = (0..<512).map {
          (try? memory.read(at: start.advanced(by: UInt64($0 * 8)), size: 8)) ?? .max
        }
      }
    }
    self.pages = pages
    holders = (Array(pages.keys) + frames).reduce(into: [:]) { $0[$1] = memory.holders(of: $1) }
  }
}

/// An empty space in a memory without anything else; tables lie from 16 MiB on.
func emptySpace(_ scheme: PagingScheme) throws -> (space: AddressSpace, memory: OverlayMemory) {
  let memory = OverlayMemory(
    over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0x100_0000))
  let root = try memory.allocateFrames(1, below: PhysicalAddress(1 << 32))[0]
  return (AddressSpace(name: "test", root: root.start, scheme: scheme), memory)
}

extension AddressSpace {
  /// All leaves; nothing but tests with small spaces may ask for them.
  func leaves(in memory: any PhysicalMemory) -> [Leaf] {
    var leaves: [Leaf] = []
    _ = forEachLeaf(in: memory) { leaf in
      leaves.append(leaf)
      return true
    }
    return leaves
  }
}

/// Consecutive frames from an address on.
func frames(from address: UInt64, _ count: Int) -> [Frame] {
  (0..<UInt64(count)).map { Frame(address >> 12 + $0) }
}
