import PageTables

/// The mirrors that were made here, on a copy-on-write overlay over the memory.
struct OverlayState: Sendable {
  /// One mirror, and where it came from.
  struct Made: Sendable {
    let space: SpaceID
    let userVA: VirtualAddress
    let kernelVA: VirtualAddress
    let length: UInt64
  }

  private(set) var made: [Made] = []
  /// A mirror is unmapped when nobody keeps it any more.
  private var keepers: [MirrorKeeper] = []

  mutating func add(_ mapping: consuming CrossProcessMapping, _ one: Made) {
    keepers.append(MirrorKeeper(mapping))
    made.append(one)
  }

  /// Unmaps a mirror, by its place in `made`.
  mutating func drop(_ index: Int) {
    made.remove(at: index)
    keepers.remove(at: index)
  }
}

extension ListContent {
  /// The mirrors that were made here.
  static func overlays(_ made: [OverlayState.Made], _ spaces: [TreeSpace]) -> ListContent {
    let lines = ListSpaces(spaces)
    let places = made.map { one in spaces.firstIndex { $0.id == one.space } ?? 0 }
    return ListContent(
      title: "mirrors made here",
      columns: [
        ListColumn("kernel", title: "kernel address", .addresses { made[$0].kernelVA.value }) {
          lines.address(made[$0].kernelVA, in: places[$0])
        } look: { _ in
          .role(.mirror)
        },
        ListColumn("length", isRight: true, .sizes { made[$0].length }),
        ListColumn("space", .names(lines.labels) { places[$0] }, look: { .owner(places[$0]) }),
        ListColumn("user", title: "user address", .addresses { made[$0].userVA.value }) {
          lines.address(made[$0].userVA, in: places[$0])
        },
      ],
      count: made.count, target: { .address(space: places[$0], made[$0].kernelVA) },
      emptyText: "no mirror was made here")
  }
}
