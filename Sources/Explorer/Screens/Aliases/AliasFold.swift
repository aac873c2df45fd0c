import PageTables

/// Groups of aliases that are one thing to a person. Where every root has entries of its own for the direct map, as
/// with 32-bit 4 MiB pages, each of them is a group.
struct AliasFold: Sendable {
  /// The group that stands for all of them.
  let head: Int
  private(set) var others: [Int] = []

  /// All groups in their order, those of the direct map at one address as one.
  static func all(of groups: ArraySlice<AliasGroup>) -> [AliasFold] {
    var folds: [AliasFold] = []
    var directs: [VirtualAddress: Int] = [:]
    for (number, group) in zip(groups.indices, groups) {
      if group.kind == .directMap {
        if let known = directs[group.first.virtual] {
          folds[known].others.append(number)
          continue
        }
        directs[group.first.virtual] = folds.count
      }
      folds.append(AliasFold(head: number))
    }
    return folds
  }
}
