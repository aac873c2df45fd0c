import Guests
import MemoryImages
import PageTables
import Records

/// The spaces of one moment, with what is counted of them.
struct SpaceListing {
  let spaces: [FoundSpace]
  /// One for each of the spaces.
  let records: [SpaceRecord]

  /// Nil where it was given up.
  ///
  /// - Parameter names: what the guest tells; nil where there is none.
  init?(_ spaces: [FoundSpace], names: GuestNames?, in memory: any PhysicalMemory, _ timings: Timings) {
    let index = SpaceIndex(
      spaces.map(\.space), memory: memory, copies: spaces.copies,
      phase: { name, work in timings.measure(name, work) })
    guard let index else { return nil }
    let tables = index.tableCountsOfSpaces
    let bytes = index.bytesMapped
    let uses = timings.measure("memory") { index.memory(of: spaces, guest: names?.guest, in: memory) }
    guard let uses else { return nil }
    let users = names?.guest.flatMap(SpaceUsers.init)
    self.spaces = spaces
    records = spaces.indices.map { number in
      SpaceRecord(
        spaces[number], tables: tables[number].tables, sharedTables: tables[number].shared,
        bytesMapped: bytes[number], memory: uses[number], users: users)
    }
  }
}
