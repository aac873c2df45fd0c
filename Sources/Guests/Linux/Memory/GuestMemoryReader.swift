import PageTables

/// Reads little-endian values at virtual addresses, through the tables of one address space.
///
/// Every address comes from the guest and is untrusted: unreadable values are nil, never 0.
package struct GuestMemoryReader: Sendable {
  /// The space whose tables translate.
  package let space: AddressSpace
  let memory: any PhysicalMemory
  /// Bytes in a pointer of the guest: 4 or 8.
  package let pointerSize: Int
  private let lookup: AddressLookup
  /// Large stretches known to be mapped contiguously, in ascending address: they need no walk.
  private var linear: [LinearStretch] = []

  package init(_ space: AddressSpace, _ memory: any PhysicalMemory) {
    self.space = space
    self.memory = memory
    pointerSize = space.scheme.virtualAddressBits > 32 ? 8 : 4
    lookup = AddressLookup(space)
  }

  private struct LinearStretch {
    let first: UInt64
    let last: UInt64
    let physical: PhysicalAddress
  }

  /// The most stretches remembered, and the most ranges examined for them from each start.
  private static let stretchLimit = 256
  private static let rangeLimit = 1 << 13
  private static let leastStretch: UInt64 = 1 << 20

  /// The same reader with the large stretches of the kernel's part remembered: most of a kernel's pointers lead
  /// into its direct map, and in a compressed dump each level of a walk decompresses a page.
  func rememberingStretches() -> GuestMemoryReader {
    var result = self
    var found: [LinearStretch] = []
    var starts = [RootShape(space.scheme).firstKernelAddress]
    if let image = LinuxArchitecture.of(space.scheme)?.image {
      starts.append(VirtualAddress(image.lowerBound))
    }
    for start in starts {
      var ranges = 0
      _ = space.forEachRange(in: memory, from: start) { range in
        ranges += 1
        if range.length >= GuestMemoryReader.leastStretch, !range.isOneFrame {
          found.append(
            LinearStretch(
              first: range.virtual.value, last: range.virtual.value &+ (range.length - 1),
              physical: range.physical))
        }
        return ranges < GuestMemoryReader.rangeLimit && found.count < GuestMemoryReader.stretchLimit
      }
    }
    result.linear = found.sorted { $0.first < $1.first }
    return result
  }

  private func linearPhysical(of address: UInt64) -> PhysicalAddress? {
    let low = linear.partitioningIndex { $0.last >= address }
    guard low < linear.count, linear[low].first <= address else { return nil }
    return linear[low].physical.advanced(by: address &- linear[low].first)
  }

  /// The same memory through the tables of another space.
  func through(_ space: AddressSpace) -> GuestMemoryReader { GuestMemoryReader(space, memory) }

  /// The physical address of a virtual one; nil where the processor would fault or a table is missing.
  package func physical(of address: UInt64) -> PhysicalAddress? {
    if !linear.isEmpty, let physical = linearPhysical(of: address) { return physical }
    return lookup.physical(of: VirtualAddress(address), in: memory)
  }

  /// Passes `count` bytes to `body` piece by piece, each inside one page, in ascending address; returns whether all
  /// of them could be read.
  func forEachPiece(at address: UInt64, count: Int, _ body: (RawSpan) -> Void) -> Bool {
    guard count >= 0, !address.addingReportingOverflow(UInt64(count)).overflow else { return false }
    var next = address
    var left = count
    while left > 0 {
      guard let physical = physical(of: next) else { return false }
      let offset = physical.offsetInFrame
      let piece = min(left, Int(Frame.size) - offset)
      let isWhole = try? memory.withPage(at: physical) { page in
        guard page.byteCount >= offset + piece else { return false }
        body(page.extracting(offset..<offset + piece))
        return true
      }
      guard isWhole == true else { return false }
      next &+= UInt64(piece)
      left -= piece
    }
    return true
  }

  /// `count` bytes; nil unless all of them can be read. The caller must bound `count`.
  package func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    guard count >= 0, physical(of: address) != nil else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(min(count, 1 << 20))
    let isWhole = forEachPiece(at: address, count: count) { piece in
      piece.withUnsafeBytes { result.append(contentsOf: $0) }
    }
    return isWhole ? result : nil
  }

  /// As many consecutive bytes as can be read, at most `limit`; nil where the first one cannot be.
  func readable(at address: UInt64, limit: Int) -> [UInt8]? {
    guard physical(of: address) != nil else { return nil }
    var result: [UInt8] = []
    var next = address
    while result.count < limit {
      let inPage = Int(Frame.size) - Int(next & (Frame.size - 1))
      guard let piece = bytes(at: next, count: min(inPage, limit - result.count)) else { break }
      result += piece
      next &+= UInt64(piece.count)
    }
    return result.isEmpty ? nil : result
  }

  /// The value of `size` bytes, 1 to 8.
  package func unsigned(at address: UInt64, size: Int) -> UInt64? {
    guard (1...8).contains(size), let physical = physical(of: address) else { return nil }
    if physical.offsetInFrame + size <= Int(Frame.size) {
      return try? memory.read(at: physical, size: size)
    }
    return bytes(at: address, count: size)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A pointer of the guest's size.
  package func pointer(at address: UInt64) -> UInt64? { unsigned(at: address, size: pointerSize) }

  /// The bytes before the first 0, at most `limit`; nil where the first one cannot be read. A text that runs into
  /// unreadable memory ends there.
  package func text(at address: UInt64, limit: Int) -> [UInt8]? {
    guard physical(of: address) != nil else { return nil }
    var result: [UInt8] = []
    var next = address
    while result.count < limit {
      let inPage = Int(Frame.size) - Int(next & (Frame.size - 1))
      guard let piece = bytes(at: next, count: min(inPage, limit - result.count)) else { break }
      if let end = piece.firstIndex(of: 0) { return result + piece[..<end] }
      result += piece
      next &+= UInt64(piece.count)
    }
    return result
  }

  /// Text for people, from bytes that the guest wrote: invalid UTF-8 is replaced.
  func string(at address: UInt64, limit: Int) -> String? {
    text(at: address, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }
}
