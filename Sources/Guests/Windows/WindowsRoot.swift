import PageTables

/// Knows the root of a Windows process by the entries that make its tables visible in its own space: one of the upper
/// half that points back at the root, at the same slot in all processes; with 32-bit addresses, those that show the
/// tables at 0xc0000000.
struct WindowsRoot {
  let memory: any PhysicalMemory

  /// What Windows sets in such an entry: P, R/W, A, D, and bit 11, which it keeps for "writable" itself; not U/S. Other
  /// systems that point back at their roots leave bit 11 clear. The 32-bit versions do, too, where one processor runs.
  private static let long = BitTest(mask: 0xfff, value: 0x863)
  private static let short = BitTest(mask: 0x7e7, value: 0x063)
  /// The slot of a PD that translates 0xc0000000, in the format of 4 bytes.
  private static let shortSlot = 0x300

  func isWindows(_ space: AddressSpace) -> Bool {
    let shape = RootShape(space.scheme)
    guard let entries = shape.entries(at: space.root, in: memory) else { return false }
    switch space.scheme.name {
    case "x86-64", "x86-64-la57":
      return entries[shape.kernelSlots].contains {
        WindowsRoot.long.matches($0) && pointsAt(space.root, $0, shape.format)
      }
    case "x86-32":
      let raw = entries[WindowsRoot.shortSlot]
      return WindowsRoot.short.matches(raw) && pointsAt(space.root, raw, shape.format)
    case "x86-pae":
      let below = space.scheme.levels[1].format
      let tables = entries.map {
        shape.format.kind(of: $0) == .table ? shape.format.tableAddress.address(in: $0) : nil
      }
      guard let last = tables[3] else { return false }
      // The last of the four PDs begins with entries for all four.
      return tables.enumerated().allSatisfy { number, table in
        guard let table,
          let raw = try? memory.read(
            at: last.advanced(by: UInt64(number * below.entrySize)), size: below.entrySize)
        else { return false }
        return WindowsRoot.short.matches(raw) && pointsAt(table, raw, below)
      }
    default: return false
    }
  }

  private func pointsAt(_ table: PhysicalAddress, _ raw: UInt64, _ format: EntryFormat) -> Bool {
    format.kind(of: raw) == .table && format.tableAddress.address(in: raw) == table
  }
}
