import MemoryImages
import PageTables

/// RAM that a raw file holds at other addresses than the machine had it, because the file leaves out a hole: the
/// kernel's direct map then extends beyond the file's end, in a separate piece.
package struct MemoryBehindHole: Hashable, Sendable {
  /// Where the memory starts that the file, as read, cannot hold.
  package let start: PhysicalAddress
  /// One past the last byte of the file if it is read without a hole.
  package let fileEnd: PhysicalAddress
  /// Whether the file is read with a hole, which then is wrong.
  package let hasHole: Bool
  /// The hole that makes the file as long as the direct map; nil where there is none.
  package let hole: PhysicalRange?

  /// The most ranges visited: a direct map has a few hundred, hostile tables never end.
  private static let rangeLimit = 1 << 16
  /// The most bytes below the hole that a kernel may leave to the firmware.
  private static let reservedLimit: UInt64 = 256 << 20

  /// Nil where the file may be right as it is.
  ///
  /// - Parameters:
  ///   - space: one with the kernel's part.
  ///   - kernelStart: where that part begins.
  init?(_ space: AddressSpace, from kernelStart: VirtualAddress, in image: MemoryImage) {
    let memory = image.memory
    let physical = memory.extent.physical
    guard image.format == "raw", let first = physical.ranges.first,
      let map = DirectMap(of: space, from: kernelStart, in: memory)
    else { return nil }
    // Where the file would end if it had no hole.
    fileEnd = first.start.advanced(by: physical.ranges.reduce(0) { $0 &+ $1.length })
    hasHole = physical.ranges.count > 1
    let pieces = MemoryBehindHole.pieces(of: map, in: space, from: kernelStart, memory)
    let misplaced =
      hasHole
      ? pieces.firstIndex { !physical.contains($0) } : pieces.firstIndex { [fileEnd] in $0.start >= fileEnd }
    guard let index = misplaced, index > 0 else { return nil }
    let (above, below) = (pieces[index], pieces[index - 1])
    // If the map covers more than the existing memory, it has no gap where the file ends.
    guard let end = pieces.last?.end, below.end <= fileEnd, end >= fileEnd else { return nil }
    let length = end.value - fileEnd.value
    let start = above.start.value &- length
    let isExact =
      length <= above.start.value && start >= below.end.value
      && start - below.end.value <= MemoryBehindHole.reservedLimit
    // On a PC, memory continues at 4 GiB; anything else may be a device.
    guard isExact || above.start.value == 1 << 32 else { return nil }
    self.start = above.start
    hole = isExact ? PhysicalRange(PhysicalAddress(start), above.start) : nil
  }

  /// What the direct map maps, in ascending physical address, with neighbours joined.
  private static func pieces(
    of map: DirectMap, in space: AddressSpace, from kernelStart: VirtualAddress, _ memory: any PhysicalMemory
  ) -> [PhysicalRange] {
    var pieces: [PhysicalRange] = []
    var ranges = 0
    _ = space.forEachRange(in: memory, from: kernelStart) { range in
      ranges += 1
      if range.virtual.value &- range.physical.value == map.offset, !range.isOneFrame {
        let end = range.physical.advanced(by: range.length)
        if let last = pieces.last, last.end == range.physical {
          pieces[pieces.count - 1] = PhysicalRange(last.start, end)
        } else if pieces.last.map({ $0.end < range.physical }) ?? true {
          pieces.append(PhysicalRange(range.physical, end))
        }
      }
      return ranges < rangeLimit
    }
    return pieces
  }

  /// One line: what is wrong, and what to do.
  package var hint: String {
    func hex(_ address: PhysicalAddress) -> String { AddressText.hex(address.value) }
    let what =
      "the kernel maps memory at \(hex(start)), "
      + (hasHole
        ? "which the file, read with this hole, does not hold completely"
        : "the file ends at \(hex(fileEnd))")
    guard let hole else {
      return what + ": RAM above a hole is missing or displaced; try --hole A..B or --layout pc:SIZE"
    }
    return what + ": RAM above a hole is displaced; try --hole \(hex(hole.start))..\(hex(hole.end))"
  }
}

extension SpaceSearch {
  /// RAM that lies elsewhere than the source says, according to the kernel's own map; nil where there is no sign of
  /// that.
  package func memoryBehindHole(_ found: FoundSpaces) -> MemoryBehindHole? {
    let whole = found.spaces.filter { !$0.isUserCopy }
    // Where memory that processes map is missing, no space seems in use.
    let kernel =
      whole.first(where: \.isKernelsOwn) ?? whole.first { !$0.isPossiblyStale } ?? whole.first
    return kernel.flatMap {
      MemoryBehindHole($0.space, from: kernelStart(of: found.spaces, $0.space.scheme), in: image)
    }
  }
}
