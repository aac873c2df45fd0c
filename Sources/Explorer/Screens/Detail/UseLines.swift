import Canvas
import PageTables

/// What a space uses, has to itself, and shares: what its row says in short.
extension Explorer {
  /// Nothing of a space that most likely is none any more; a process on two roots is told of on the kernel's copy.
  func useLines(of space: TreeSpace, spaceNumber: Int) -> [StyledLine] {
    guard let index, index.memory.indices.contains(spaceNumber), !space.found.isPossiblyStale,
      index.census.copies[spaceNumber] == nil
    else { return [] }
    let use = index.memory[spaceNumber]
    var lines: [StyledLine] = []
    if !index.census.kernels.contains(spaceNumber) {
      lines.append(fact("resident", ByteText.exact(use.residentBytes)))
      lines.append(fact("private", "\(ByteText.exact(use.privateBytes)), mapped by nobody else"))
      if let swapped = use.swappedBytes, swapped > 0 {
        lines.append(fact("swapped", ByteText.exact(swapped)))
      }
    }
    lines.append(fact("tables", "\(use.ownTables) of its own, \(use.sharedTables) shared"))
    let shares = index.content(ofSpace: spaceNumber).shares
    if !shares.isEmpty { lines.append(fact("shares", "\(shares.countText); S lists them")) }
    let mirrors = index.mirrors(ofSpace: spaceNumber)
    if !mirrors.isEmpty { lines.append(fact("mirrors", "\(mirrors.countText); M lists them")) }
    return [StyledLine()] + lines
  }
}
