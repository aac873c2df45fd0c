import Guests
import PageTables

/// The question which regions with a name all processes have; the program answers it in the background.
package struct RegionGathering: Equatable, Sendable {
  private let all: [TreeSpace]
  private let names: GuestNames

  /// A region of a process.
  struct Region: Sendable {
    let spaceNumber: Int
    let region: NamedRegion
  }

  /// The most that are looked at: a hostile guest may have them without end.
  private static let limit = 1 << 18

  init(_ spaces: [TreeSpace], _ names: GuestNames) {
    all = spaces
    self.names = names
  }

  /// Reads the regions of all processes, in the order of the spaces. Of the copies that isolation keeps of a process's
  /// space, the first one stands for both.
  package func run() -> FinderItems {
    var regions: [Region] = []
    var seen: Set<Int> = []
    var looked = 0
    for (number, space) in all.enumerated() where looked < Self.limit && names.knows(space.found) {
      if let pid = space.found.pid, !seen.insert(pid).inserted { continue }
      let known = names.names(of: space.found)?.userRegions ?? []
      looked += known.count
      for region in known where !region.name.isEmpty && region.name != "?" {
        regions.append(Region(spaceNumber: number, region: region))
      }
    }
    return FinderItems(all, regions: regions, symbols: names.symbols)
  }

  package static func == (left: RegionGathering, right: RegionGathering) -> Bool {
    left.all.elementsEqual(right.all) { $0.id == $1.id }
  }
}
