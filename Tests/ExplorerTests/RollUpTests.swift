import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// What rows say of what lies below them, on real guests, against what their processes were made to do
/// (Samples/README.md).
@Suite("Shares and mirrors on the rows above them")
struct RollUpTests {
  private struct Known {
    let spaces: [FoundSpace]
    let index: ExplorerIndex
    let memory: any PhysicalMemory

    init(_ guest: GuestTruth) throws {
      let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
      spaces = try SpaceDiscovery(SpaceSearch(image)).all().spaces
      memory = image.memory
      index = try #require(ExplorerIndex(spaces.map(\.space), SpaceCensus(spaces), memory: memory))
    }

    func content(of number: Int) -> ParticularItems.Content {
      let root = TableReference(address: spaces[number].space.root, level: 0)
      return index.particular.content(below: root, spaceNumber: number, window: 0)
    }
  }

  @Test(
    "A space's row counts its shares and its mirrors, and no other space has any", arguments: GuestTruth.all)
  func spaces(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    let sharesTables = guest.schemeName.hasPrefix("x86-64")
    let mirrors = Mirrors(of: known.index.spaces, in: known.memory)
    let counts = mirrors.countsOfSpaces(in: known.index.spaces, memory: known.memory)
    for (number, found) in known.spaces.enumerated() where !found.isPossiblyStale && found.role != .special {
      let content = known.content(of: number)
      let isHuge = found.space.name.hasPrefix("hugetlb_")
      #expect(content.shares.count == (isHuge && sharesTables ? 1 : 0), "\(found.space.name)")
      // The array, and the ring, whose data the kernel maps twice in a row.
      #expect(content.mirrored.count == (found.space.name.hasPrefix("bpf") ? 3 : 0), "\(found.space.name)")
      #expect(counts[number] == content.mirrored.count, "\(found.space.name)")
    }
  }

  @Test("The kernel's side of a page that its image gave back is no mirror; that of any other is")
  func givenBack() throws {
    let known = try Known(GuestTruth.all[0])
    var counts: [Mirror.Kind: Int] = [:]
    for mirror in known.index.mirrors {
      let aliases = known.index.spaces.aliases(of: mirror.physical, in: known.memory)
      let sides = aliases.groups.filter { $0.kind == .mirror && $0.first.virtual == mirror.kernelVA }
      #expect(!sides.isEmpty)
      #expect(sides.allSatisfy { known.index.isGivenBack($0) == (mirror.kind == .givenBack) })
      counts[mirror.kind, default: 0] += sides.count
    }
    #expect(counts[.mirror, default: 0] > 0 && counts[.givenBack, default: 0] > 0)
  }

  @Test(
    "Each table on the way to a mirror or a share has it, and its neighbours have not",
    arguments: GuestTruth.all)
  func way(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    let mirrors = known.index.mirrors.filter { $0.kind == .mirror }
    for mirror in mirrors {
      let space = known.spaces[mirror.spaceNumber].space
      let rootLevel = space.scheme.levels[0]
      let slots = mirrors.filter { $0.spaceNumber == mirror.spaceNumber }.map {
        rootLevel.slot(of: $0.userVA)
      }
      for step in space.translate(mirror.userVA, in: known.memory).steps {
        let table = TableReference(address: step.table, level: step.level)
        let content = known.index.particular.content(below: table, spaceNumber: mirror.spaceNumber, window: 0)
        #expect(!content.mirrored.isEmpty)
      }
      let walk = space.translate(mirror.userVA, in: known.memory)
      let root = try #require(walk.steps.first)
      for run in try space.scheme.runs(
        of: TableReference(address: root.table, level: 0), in: known.memory, folded: false)
      where run.kind == .table && !slots.contains(run.slot) {
        let neighbour = TableReference(address: run.address, level: 1)
        #expect(
          known.index.particular.content(below: neighbour, spaceNumber: mirror.spaceNumber, window: 0)
            .mirrored.isEmpty)
      }
    }
  }

  @Test("The other side of a mirror's page is where the mirror says", arguments: GuestTruth.all)
  func peers(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    for (number, mirror) in known.index.mirrors.enumerated() where mirror.kind == .mirror {
      let space = known.spaces[mirror.spaceNumber].space
      for offset in stride(from: UInt64(0), to: mirror.length, by: 4096) {
        let page = try #require(space.translate(mirror.userVA.advanced(by: offset), in: known.memory).page)
        let found = try #require(known.index.particular.mirror(of: page.physical, length: 4096))
        let kernel = known.index.mirrors[found.number].kernelVA.advanced(by: found.offset)
        let other = known.spaces[mirror.kernelSpaceNumber].space.translate(kernel, in: known.memory)
        #expect(other.page?.physical == page.physical)
        #expect(
          known.index.particular.mirror(at: mirror.kernelVA.advanced(by: offset), length: 4096)?.number
            == number)
      }
    }
  }
}
