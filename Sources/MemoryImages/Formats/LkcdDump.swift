import PageTables

/// The pages of an LKCD file (its `dump.h`, `struct __dump_header` and `struct __dump_page`): from some offset on,
/// descriptions of 16 bytes (address, size, flags), each followed by its page, in any order. libkdumpfile reports
/// neither which pages exist, nor whether their sizes are possible.
struct LkcdDump {
  let pageSize: UInt64
  let pages: PhysicalRanges
  private(set) var warnings: [String] = []

  private static let firstPage: UInt64 = 65536
  private static let raw: UInt32 = 1
  private static let compressed: UInt32 = 2
  private static let end: UInt32 = 4
  /// libkdumpfile stores page numbers in 32 bits.
  private static let mostNumbers: UInt64 = 1 << 32
  /// The most pages accepted: 128 GiB, as the format was abandoned before machines had that much memory.
  private static let mostPages = 1 << 25

  init(_ file: borrowing MappedFile, path: String) throws(ImageError) {
    guard let version = file.load(UInt32.self, at: 8).map({ $0 & 0x3fff_ffff }),
      let page = file.load(UInt32.self, at: 20)
    else { throw .corrupt(path, offset: file.count, problem: "the file ends early: in the LKCD header") }
    guard file.load(UInt64.self, at: 0) == 0xa819_0173_618f_23ed else {
      throw .unsupported(path, feature: "is the memory of a big-endian machine: not supported")
    }
    guard (4096...65536).contains(page), page & (page - 1) == 0 else {
      throw .corrupt(path, offset: 20, problem: "dh_page_size is no page size")
    }
    pageSize = UInt64(page)
    let start = version >= 9 ? file.load(UInt64.self, at: 734) ?? .max : Self.firstPage
    guard start <= file.count else {
      throw .corrupt(path, offset: file.count, problem: "the file ends early: before its first page")
    }
    var numbers: Set<UInt32> = []
    var position = start
    while true {
      guard let address = file.load(UInt64.self, at: position),
        let size = file.load(UInt32.self, at: position + 8).map(UInt64.init),
        let flags = file.load(UInt32.self, at: position + 12)
      else {
        warnings.append("the file ends early: there is no end mark")
        break
      }
      if flags & Self.end != 0 { break }
      let isCompressed = flags & Self.compressed != 0
      guard isCompressed != (flags & Self.raw != 0), size > 0,
        isCompressed ? size <= pageSize : size == pageSize,
        address % pageSize == 0, address / pageSize < Self.mostNumbers,
        !numbers.contains(UInt32(address / pageSize))
      else {
        warnings.append(
          "the page description at file offset 0x\(String(position, radix: 16)) is impossible; it and the rest are left out"
        )
        break
      }
      guard file.holds(position + 16, size) else {
        warnings.append("the file ends early: within a page")
        break
      }
      guard numbers.count < Self.mostPages else {
        warnings.append("it holds more than \(Self.mostPages) pages; the rest are left out")
        break
      }
      numbers.insert(UInt32(address / pageSize))
      position += 16 + size
    }
    pages = Self.ranges(of: numbers.sorted(), pageSize)
    guard !pages.ranges.isEmpty else {
      throw .corrupt(path, offset: start, problem: warnings.first ?? "it holds no page")
    }
  }

  /// Pages in ascending order, with neighbours joined.
  private static func ranges(of numbers: [UInt32], _ pageSize: UInt64) -> PhysicalRanges {
    var ranges: [PhysicalRange] = []
    for number in numbers {
      let start = PhysicalAddress(UInt64(number) * pageSize)
      if let last = ranges.last, last.end == start {
        ranges[ranges.count - 1].end = start.advanced(by: pageSize)
      } else {
        ranges.append(PhysicalRange(start, start.advanced(by: pageSize)))
      }
    }
    return PhysicalRanges(ranges)
  }
}
