import Guests
import PageTables

/// A stretch of a map that the guest has a name for.
struct MapRegion: Sendable {
  /// What kind of memory it is, as a letter tells it.
  enum Kind: Int, CaseIterable, Sendable {
    case heap, stack, anonymous, file, special, vmalloc, module, image, pageArray

    var letter: String {
      switch self {
      case .heap: "h"
      case .stack: "s"
      case .anonymous: "a"
      case .file: "f"
      case .special: "x"
      case .vmalloc: "v"
      case .module: "m"
      case .image: "i"
      case .pageArray: "p"
      }
    }

    var meaning: String {
      switch self {
      case .heap: "heap"
      case .stack: "stack"
      case .anonymous: "anonymous"
      case .file: "file"
      case .special: "[special]"
      case .vmalloc: "vmalloc"
      case .module: "module"
      case .image: "kernel image"
      case .pageArray: "page array"
      }
    }

    /// Nil where the tables say as much: the direct map, and memory of a process that nothing is known about.
    init?(_ region: NamedRegion) {
      switch region.kind {
      case .kernel(.vmalloc): self = .vmalloc
      case .kernel(.module): self = .module
      case .kernel(.pageArray): self = .pageArray
      case .kernel(.image), .kernel(.text), .kernel(.readOnlyData), .kernel(.data),
        .kernel(.initialization), .kernel(.zeroedData):
        self = .image
      case .kernel: return nil
      case .user where region.name == "?": return nil
      case .user where region.name.isEmpty || region.name.hasPrefix("[anon"): self = .anonymous
      case .user where region.name == "[heap]": self = .heap
      case .user where region.name.hasPrefix("[stack"): self = .stack
      case .user where region.name.hasPrefix("["): self = .special
      case .user: self = .file
      }
    }
  }

  /// The first and the last byte, in the translated bits.
  let start: UInt64
  var last: UInt64
  let kind: Kind?
  let region: NamedRegion
  /// Whether anything of it is there.
  let isPresent: Bool

  var isUsers: Bool { region.kind == .user }
}

/// The named stretches of one space, none of which overlaps another: of regions inside of others the smaller one counts.
struct MapRegions: Sendable {
  private(set) var all: [MapRegion] = []

  /// Regions that are drawn at most; the lists have all.
  private static let limit = 1 << 14

  init() {}

  init(_ names: SpaceNames, position: (VirtualAddress) -> UInt64) {
    var around: [MapRegion] = []
    func close(before start: UInt64?) {
      while let inner = around.last, start.map({ inner.last < $0 }) ?? true {
        around.removeLast()
        add(inner, through: inner.last)
      }
    }
    for counted in names.counted.lazy.filter({ $0.region != nil }).prefix(Self.limit) {
      guard let region = counted.region, region.first <= region.last else { continue }
      var next = MapRegion(
        start: position(region.first), last: position(region.last), kind: MapRegion.Kind(region),
        region: region,
        isPresent: counted.contents.present > 0 || counted.contents.kept > 0)
      guard next.start <= next.last else { continue }
      close(before: next.start)
      if let outer = around.last {
        if next.start > 0 { add(outer, through: next.start - 1) }
        next.last = min(next.last, outer.last)
      }
      around.append(next)
    }
    close(before: nil)
  }

  /// Appends what of a region lies behind all that was appended before.
  private mutating func add(_ region: MapRegion, through last: UInt64) {
    let start = max(region.start, all.last.map { $0.last &+ 1 } ?? 0)
    guard start <= last else { return }
    all.append(
      MapRegion(
        start: start, last: last, kind: region.kind, region: region.region, isPresent: region.isPresent))
  }

  /// Those that have one of some bytes.
  func touching(_ stretch: Range<UInt64>) -> ArraySlice<MapRegion> {
    let first = all.partitioningIndex { $0.last >= stretch.lowerBound }
    return all[first..<max(first, all.partitioningIndex { $0.start >= stretch.upperBound })]
  }
}
