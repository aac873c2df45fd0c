import PageTables

extension [FoundSpace] {
  /// The spaces, by number, that are the user copy of another one of these, which they count as: under page-table
  /// isolation a process has two roots over the same user tables.
  package var copies: [Int: Int] {
    var numbers: [PhysicalAddress: Int] = [:]
    for (number, found) in enumerated() where !found.isUserCopy && numbers[found.space.root] == nil {
      numbers[found.space.root] = number
    }
    var copies: [Int: Int] = [:]
    for (number, found) in enumerated() {
      guard case .userCopy(let kernel) = found.isolation, let other = numbers[kernel],
        self[other].space.scheme.name == found.space.scheme.name
      else { continue }
      copies[number] = other
    }
    return copies
  }

  /// The same spaces with the kernel's own first, so that what it shares with others is the kernel's. Roots that a
  /// person gave keep their order.
  package var kernelFirst: [FoundSpace] {
    guard !contains(where: { $0.origin == .given }) else { return self }
    let isFirst = { (found: FoundSpace) in found.role == .kernel && found.otherKernel == nil }
    return filter { isFirst($0) && !$0.isUserCopy } + filter { isFirst($0) && $0.isUserCopy }
      + filter { !isFirst($0) }
  }
}
