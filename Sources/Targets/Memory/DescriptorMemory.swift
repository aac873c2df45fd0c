import Glibc
import MemoryImages
import PageTables

/// Memory that a descriptor reads at the place of each address, and that cannot be mapped: `/proc/PID/mem`,
/// `/proc/kcore`.
final class DescriptorMemory: PhysicalMemory {
  /// Where a range of physical memory lies.
  struct Place: Hashable, Sendable {
    var range: PhysicalRange
    var offset: UInt64
  }

  private let descriptor: Int32
  /// Ascending and disjoint; whole pages.
  private let places: [Place]
  let extent: MemoryExtent

  /// - Parameters:
  ///   - descriptor: closed with the memory.
  ///   - places: where they overlap, those with the lower start win.
  ///   - lost: what the machine has beyond them, and the descriptor does not.
  init(descriptor: Int32, places: [Place], lost: [PhysicalRange] = []) {
    self.descriptor = descriptor
    var kept: [Place] = []
    for place in places.sorted(by: { $0.range.start < $1.range.start }) {
      let reached = kept.last?.range.end ?? PhysicalAddress(0)
      let range = PhysicalRange(max(place.range.start, reached), place.range.end).wholePages
      let (end, overflow) = place.offset.addingReportingOverflow(range.end.value &- place.range.start.value)
      guard range.length > 0, !overflow, end <= UInt64(Int64.max) else { continue }
      kept.append(Place(range: range, offset: place.offset + (range.start.value - place.range.start.value)))
    }
    self.places = kept
    let readable = PhysicalRanges(kept.map(\.range))
    extent = MemoryExtent(
      readable: readable, physical: PhysicalRanges(kept.map(\.range) + lost), dumped: readable)
  }

  deinit { close(descriptor) }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let start = address.frameStart
    guard let index = place(of: start) else {
      throw extent.physical.contains(start) ? .notInDump : .outsidePhysicalMemory
    }
    let offset = places[index].offset + (start.value - places[index].range.start.value)
    var page = PageBuffer()
    let filled = page.fill { target in
      Self.read(descriptor, into: target, count: Int(Frame.size), at: offset)
    }
    guard filled else { throw .notInDump }
    return page.withBytes(body)
  }

  /// In stretches of 256 KiB: a call of the system costs more than copying a page.
  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    let most: UInt64 = 1 << 18
    for part in extent.readable.overlap(with: range) {
      var rest = part.wholePages
      while rest.length > 0, let index = place(of: rest.start) {
        let place = places[index]
        let length = min(min(rest.end, place.range.end).value - rest.start.value, most)
        let offset = place.offset + (rest.start.value - place.range.start.value)
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(length)) { target, count in
          let start = target.baseAddress.map { UnsafeMutableRawPointer($0) }
          let isRead =
            start.map { Self.read(descriptor, into: $0, count: Int(length), at: offset) } ?? false
          count = isRead ? Int(length) : 0
        }
        for position in stride(from: UInt64(0), to: length, by: Int(Frame.size)) {
          let address = rest.start.advanced(by: position)
          if bytes.isEmpty {
            // One page of the stretch cannot be read; the others can.
            _ = try? withPage(at: address) { body(address, $0) }
          } else {
            body(address, bytes.span.extracting(Int(position)..<Int(position + Frame.size)).bytes)
          }
        }
        rest.start = rest.start.advanced(by: length)
      }
    }
  }

  private func place(of address: PhysicalAddress) -> Int? {
    var low = 0
    var high = places.count
    while low < high {
      let middle = (low + high) / 2
      if places[middle].range.end > address { high = middle } else { low = middle + 1 }
    }
    return low < places.count && places[low].range.start <= address ? low : nil
  }

  /// Reads exactly `count` bytes.
  private static func read(
    _ descriptor: Int32, into target: UnsafeMutableRawPointer, count: Int, at offset: UInt64
  ) -> Bool {
    var done = 0
    while done < count {
      let result = pread(descriptor, target + done, count - done, off_t(offset) + off_t(done))
      if result < 0 && errno == EINTR { continue }
      guard result > 0 else { return false }
      done += result
    }
    return true
  }
}
