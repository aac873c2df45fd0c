extension RandomAccessCollection where Index == Int {
  /// The first index for which the predicate is true; `endIndex` if none. The collection must be partitioned: once
  /// the predicate is true, it is true for all elements that follow.
  @inlinable
  package func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
