import PageTables

extension MemoryImage {
  /// Pages that are read to know a dump again.
  private static let identityPages = 64

  /// What a dump is known by again, wherever it lies: its ranges, the registers of its CPUs, and pages from all over it
  /// (FNV-1a). Dumps of machines of one size have the same ranges, and most of a memory is empty.
  package var identity: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ value: UInt64) {
      for shift in stride(from: 0, to: 64, by: 8) {
        hash = (hash ^ (value >> UInt64(shift) & 0xff)) &* 0x100_0000_01b3
      }
    }
    for cpu in cpus {
      for value in [cpu.cr3, cpu.instructionPointer] + cpu.general.map(\.value) { add(value) }
    }
    let ranges = memory.extent.dumped.ranges
    for range in ranges.prefix(1024) {
      add(range.start.value)
      add(range.end.value)
    }
    let pages = ranges.map { ($0.end.value &- $0.start.value) / Frame.size }
    let total = min(pages.reduce(0, &+), 1 << 52)
    // More places than pages, as many a place is empty; and at no regular distance.
    var (before, number, used) = (UInt64(0), 0, 0)
    let places = UInt64(4 * Self.identityPages)
    let spread: UInt64 = total / places > 61 ? 61 : 1
    for step in 0..<places where used < Self.identityPages {
      let wanted = total * step / places + step * step % spread
      while number < ranges.count, before &+ pages[number] <= wanted {
        before &+= pages[number]
        number += 1
      }
      guard number < ranges.count else { break }
      let address = ranges[number].start.advanced(by: (wanted &- before) &* Frame.size).frameStart
      var isEmpty = true
      let start = hash
      _ = try? memory.withPage(at: address) { page in
        for offset in stride(from: 0, to: page.byteCount - 7, by: 8) {
          let value = page.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
          isEmpty = isEmpty && value == 0
          add(value)
        }
      }
      if isEmpty { hash = start } else { used += 1 }
    }
    return hash
  }
}
