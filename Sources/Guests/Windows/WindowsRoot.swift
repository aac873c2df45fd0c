import PageTables

/// Recognizes the root of a Windows process by the entries that map its tables in its own space: an entry of the
/// upper half that points back at the root, in the same slot in all processes; with 32-bit addresses, the entries
/// that map the tables at 0xc0000000.
struct WindowsRoot {
  let memory: any PhysicalMemory

  /// The bits that Windows sets in such an entry: P, R/W, A, D, and bit 11, its own "writable" bit; U/S is clear.
  /// Other systems whose roots point back at themselves leave bit 11 clear. So do 32-bit versions on a single
  /// processor.
  private static let long = BitTest(mask: 0xfff, value: 0x863)
  private static let short = BitTest(mask: 0x7e7, value: 0x063)
  /// The slot of a PD that translates 0xc0000000, in the 4-byte format.
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
