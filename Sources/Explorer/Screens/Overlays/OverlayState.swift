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

  /// Unmaps a mirror, by its index in `made`.
  mutating func drop(_ index: Int) {
    made.remove(at: index)
    keepers.remove(at: index)
  }
}
