import Guests
import PageTables

/// What a frame is used for, as far as the picture of physical memory tells it.
enum BlockKind: Int, CaseIterable, Sendable {
  // What page tables or a guest say.
  case pageTable
  // What a guest says.
  case huge, slab, anonymous, pageCache, kernel, reserved
  // What page tables say where no guest does.
  case userMapped, kernelMapped
  case free, unmapped

  var sign: String {
    switch self {
    case .pageTable: "t"
    case .huge: "h"
    case .slab: "s"
    case .anonymous: "a"
    case .pageCache: "c"
    case .kernel: "k"
    case .reserved: "r"
    case .userMapped: "u"
    case .kernelMapped: "m"
    case .free: "."
    case .unmapped: "-"
    }
  }

  var meaning: String {
    switch self {
    case .pageTable: "page table"
    case .huge: "huge"
    case .slab: "slab"
    case .anonymous: "anonymous"
    case .pageCache: "page cache"
    case .kernel: "kernel"
    case .reserved: "reserved"
    case .userMapped: "mapped by users"
    case .kernelMapped: "mapped by the kernel"
    case .free: "free"
    case .unmapped: "only in the direct map"
    }
  }

  init(_ kind: FrameUse.Kind) {
    switch kind {
    case .pageTable: self = .pageTable
    case .slab: self = .slab
    case .pageCache: self = .pageCache
    case .anonymous: self = .anonymous
    case .huge: self = .huge
    case .free: self = .free
    case .reserved: self = .reserved
    case .kernel: self = .kernel
    }
  }
}

/// How many of the frames of a block that were looked at are used for what, and which is the first of each use.
struct BlockUse: Hashable, Sendable {
  private(set) var counts = SIMD16<UInt16>()
  private var firsts = SIMD16<UInt32>(repeating: .max)
  /// Frames that were looked at, those that the machine does not have among them.
  private(set) var looks = 0

  mutating func add(_ kind: BlockKind?, frame: UInt64) {
    looks += 1
    guard let kind else { return }
    counts[kind.rawValue] &+= 1
    firsts[kind.rawValue] = min(firsts[kind.rawValue], UInt32(truncatingIfNeeded: frame))
  }

  /// What most of the frames are used for; of several that are as many, the one that is told first above.
  var most: BlockKind? {
    var best: BlockKind?
    for kind in BlockKind.allCases where counts[kind.rawValue] > best.map({ counts[$0.rawValue] }) ?? 0 {
      best = kind
    }
    return best
  }

  /// The number, in the block, of the first frame of a use that was looked at.
  func firstFrame(_ kind: BlockKind) -> UInt64? {
    firsts[kind.rawValue] == .max ? nil : UInt64(firsts[kind.rawValue])
  }
}

/// Says what frames are used for: a guest, or else the page tables.
struct FrameSource: Sendable {
  let names: GuestNames?
  let index: ExplorerIndex?
  let ranges: PhysicalRanges

  /// Groups of mappings of a frame that are looked at.
  private static let groupLimit = 16

  /// Nil where the machine has no such frame.
  func kind(of frame: PhysicalAddress, _ memory: any PhysicalMemory) -> BlockKind? {
    guard ranges.contains(frame) else { return nil }
    if let index, !index.spaces.tables(at: frame.frame).isEmpty { return .pageTable }
    if let use = names?.frameUse(of: frame) { return BlockKind(use.kind) }
    guard let index else { return nil }
    let groups = index.spaces.aliases(of: frame, in: memory, limit: Self.groupLimit).groups
    if groups.contains(where: \.first.rights.isUser) { return .userMapped }
    return groups.contains { $0.kind != .directMap && $0.kind != .recursive } ? .kernelMapped : .unmapped
  }
}
