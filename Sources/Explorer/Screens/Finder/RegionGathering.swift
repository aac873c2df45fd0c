import Guests
import PageTables

/// The question which regions with a name all processes have; the program answers it in the background.
package struct RegionGathering: Equatable, Sendable {
  private let spaces: [(id: SpaceID, found: FoundSpace)]
  private let names: GuestNames

  /// A region of a process.
  package struct Region: Sendable {
    let space: SpaceID
    let region: NamedRegion
  }

  /// The most that are kept: a hostile guest may have them without end.
  private static let limit = 1 << 18

  /// Of the copies that isolation keeps of a process's space, the first one stands for both.
  init(_ spaces: [TreeSpace], _ names: GuestNames) {
    var seen: Set<Int> = []
    self.spaces = spaces.filter { $0.found.pid.map { seen.insert($0).inserted } ?? true }.map {
      ($0.id, $0.found)
    }
    self.names = names
  }

  /// Reads the regions of all processes, in the order of the spaces.
  package func run() -> [Region] {
    var regions: [Region] = []
    for (id, found) in spaces where names.knows(found) {
      for region in names.names(of: found)?.userRegions ?? [] where !region.name.isEmpty && region.name != "?"
      {
        regions.append(Region(space: id, region: region))
        if regions.count == Self.limit { return regions }
      }
    }
    return regions
  }

  package static func == (left: RegionGathering, right: RegionGathering) -> Bool {
    left.spaces.elementsEqual(right.spaces) { $0.id == $1.id }
  }
}
