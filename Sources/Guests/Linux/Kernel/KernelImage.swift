import PageTables

/// The memory of the kernel's image, as mapped by the kernel's own tables; searched for what no symbol locates.
struct KernelImage: Sendable {
  /// Consecutive pages, in ascending virtual address.
  struct Piece: Hashable, Sendable {
    let virtual: UInt64
    let length: UInt64
  }

  private(set) var pieces: [Piece] = []

  /// The most bytes examined: an image with its zeroed data has about 100 MiB at most.
  private static let byteLimit: UInt64 = 192 << 20
  private static let rangeLimit = 1 << 14

  init(_ reader: GuestMemoryReader, start: UInt64?) {
    let space = reader.space
    guard let architecture = LinuxArchitecture.of(space.scheme) else { return }
    var total: UInt64 = 0
    var ranges = 0
    let first: VirtualAddress
    let last: VirtualAddress
    if let image = architecture.image {
      first = VirtualAddress(start ?? image.lowerBound)
      last = VirtualAddress(image.upperBound)
    } else {
      guard let begin = start ?? KernelImage.firstCode(of: reader) else { return }
      // Read-only data and data follow the code.
      first = VirtualAddress(begin)
      last = VirtualAddress(min(begin &+ architecture.imageLength, 0xffff_ffff))
    }
    var pieces: [Piece] = []
    _ = space.forEachRange(in: reader.memory, from: first, through: last, merging: .virtualOnly) { range in
      ranges += 1
      let length = min(range.length, KernelImage.byteLimit &- total)
      if reader.memory.holds(range.physical), !range.isOneFrame, length > 0 {
        if let last = pieces.last, last.virtual &+ last.length == range.virtual.value {
          pieces[pieces.count - 1] = Piece(virtual: last.virtual, length: last.length &+ length)
        } else {
          pieces.append(Piece(virtual: range.virtual.value, length: length))
        }
        total &+= length
      }
      return total < KernelImage.byteLimit && ranges < KernelImage.rangeLimit
    }
    self.pieces = pieces
  }

  /// The first stretch in a 32-bit kernel's part that is executable, not writable, and as long as code is;
  /// otherwise the first that is writable as well: without an execute-disable bit all of the direct map is
  /// executable.
  private static func firstCode(of reader: GuestMemoryReader) -> UInt64? {
    var found: UInt64?
    var writable: UInt64?
    var ranges = 0
    let first = RootShape(reader.space.scheme).firstKernelAddress
    _ = reader.space.forEachRange(in: reader.memory, from: first) { range in
      ranges += 1
      if range.access.contains(.execute), range.length >= 1 << 20 {
        if !range.access.contains(.write) {
          found = range.virtual.value
        } else if writable == nil {
          writable = range.virtual.value
        }
      }
      return found == nil && ranges < rangeLimit
    }
    return found ?? writable
  }

  /// Whether an address lies in one of the pieces.
  func contains(_ address: UInt64) -> Bool {
    let behind = pieces.partitioningIndex { $0.virtual > address }
    return behind > 0 && address &- pieces[behind - 1].virtual < pieces[behind - 1].length
  }

  /// Passes the image to `body` page by page, until `body` returns false. Unreadable pages are skipped.
  func forEachPage(_ reader: GuestMemoryReader, _ body: (_ address: UInt64, _ page: RawSpan) -> Bool) {
    for piece in pieces {
      var address = piece.virtual & ~(Frame.size - 1)
      let end = piece.virtual &+ piece.length
      while address < end, address >= piece.virtual & ~(Frame.size - 1) {
        if let physical = reader.physical(of: address) {
          let goesOn = try? reader.memory.withPage(at: physical) { page in
            page.byteCount == Int(Frame.size) ? body(address, page) : true
          }
          if goesOn == false { return }
        }
        let (next, overflow) = address.addingReportingOverflow(Frame.size)
        guard !overflow else { return }
        address = next
      }
    }
  }

  /// The frames of the image that pass a test, whether or not the memory holds them.
  func frames(_ reader: GuestMemoryReader, where isWanted: (PhysicalAddress) -> Bool) -> PhysicalRanges {
    var ranges: [PhysicalRange] = []
    for piece in pieces {
      for offset in stride(from: 0, to: piece.length, by: Int(Frame.size)) {
        guard let physical = reader.physical(of: piece.virtual &+ offset), isWanted(physical) else {
          continue
        }
        let end = physical.advanced(by: Frame.size)
        if let last = ranges.indices.last, ranges[last].end == physical {
          ranges[last] = PhysicalRange(ranges[last].start, end)
        } else {
          ranges.append(PhysicalRange(physical, end))
        }
      }
    }
    return PhysicalRanges(ranges)
  }
}
