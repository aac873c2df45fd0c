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
    let mirrors = timings.measure("mirrors") { Self.mirrors(of: spaces, index, names, memory) }
    let users = names?.guest.flatMap(SpaceUsers.init)
    self.spaces = spaces
    records = spaces.indices.map { number in
      SpaceRecord(
        spaces[number], tables: tables[number].tables, sharedTables: tables[number].shared,
        bytesMapped: bytes[number], memory: uses[number], mirrors: mirrors[number], users: users)
    }
  }

  /// How many mirrors each space has, as its row in the explorer says.
  private static func mirrors(
    of spaces: [FoundSpace], _ index: SpaceIndex, _ names: GuestNames?, _ memory: any PhysicalMemory
  ) -> [Int] {
    let mirrors = Mirrors(
      of: index, in: memory, isWanted: { !spaces[$0].isPossiblyStale }, isInUse: names?.isInUse)
    let counts = mirrors.countsOfSpaces(in: index, memory: memory)
    return spaces.indices.map { number in
      if spaces[number].isPossiblyStale { return 0 }
      guard spaces[number].isKernelsOwn else { return counts[number] }
      return mirrors.all.count {
        $0.isParticular
          && spaces[number].space.translate($0.kernelVA, in: memory).page?.physical == $0.physical
      }
    }
  }
}
