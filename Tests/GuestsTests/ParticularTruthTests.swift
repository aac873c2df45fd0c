import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What is particular in real guests, and what everybody has, against what their processes were made to do
/// (Samples/README.md) and against the roots that QEMU saw.
@Suite struct ParticularTruthTests {
  private struct Known {
    let spaces: [FoundSpace]
    let index: SpaceIndex
    let everybodys: EverybodysTables
    let shares: ParticularShares
    let memory: any PhysicalMemory

    init(_ guest: GuestTruth) throws {
      let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
      spaces = try SpaceDiscovery(SpaceSearch(image)).all().spaces
      memory = image.memory
      index = try #require(SpaceIndex(spaces.map(\.space), memory: memory, copies: spaces.copies))
      let spaces = spaces
      let isLive = { (number: Int) in !spaces[number].isPossiblyStale }
      everybodys = EverybodysTables(
        of: index, in: memory, kernelStart: \.usualKernelStart,
        isAsked: { isLive($0) && spaces[$0].role != .special })
      shares = ParticularShares(
        of: index, beside: everybodys, kernelStart: \.usualKernelStart, isWanted: isLive)
    }
  }

  @Test(
    "The two processes with one table for huge pages share that in particular, and nobody else shares anything",
    arguments: GuestTruth.all)
  func shares(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    let names = known.shares.all.map { share in
      share.places.map { known.spaces[$0.spaceNumber].space.name }
    }
    // 32-bit kernels do not share tables of huge pages.
    #expect(names == (guest.schemeName.hasPrefix("x86-64") ? [["hugetlb_a", "hugetlb_b"]] : []))
    #expect(known.shares.all.allSatisfy { $0.spaces == 2 && $0.places[0].virtual == $0.places[1].virtual })
    #expect(known.shares.isComplete)
  }

  @Test("Of a share, the peer is the other process", arguments: GuestTruth.all)
  func peers(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    for share in known.shares.all {
      for (one, other) in [(0, 1), (1, 0)] {
        let place = share.places[one]
        let peer = share.peer(of: place.spaceNumber, at: place.virtual, copies: known.spaces.copies)
        #expect(peer == share.places[other])
      }
    }
  }

  @Test(
    "What everybody has is all of the kernel's half of every process, as its root shows it",
    arguments: GuestTruth.all)
  func everybodys(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    let roots = try guest.roots().map { try #require(guest.rootAddresses(of: $0).first) }
    for root in roots {
      let number = try #require(known.spaces.firstIndex { $0.space.root.value == root })
      let scheme = known.spaces[number].space.scheme
      let shape = scheme.levels[0]
      let table = TableReference(address: PhysicalAddress(root), level: 0)
      for run in try scheme.runs(of: table, in: known.memory, folded: false) {
        let address = scheme.canonical(UInt64(run.slot) << UInt64(shape.shift))
        guard address >= scheme.usualKernelStart else { continue }
        if run.kind == .table {
          #expect(
            known.everybodys.contains(TableReference(address: run.address, level: 1), in: number, window: 0))
        } else if run.kind == .leaf {
          #expect(known.everybodys.containsLeaf(slot: run.slot, mapping: run.address, in: number, window: 0))
        }
      }
    }
  }

  @Test(
    "The kernel's space comes first, and its copy, where there is one, counts as it",
    arguments: GuestTruth.all)
  func order(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    #expect(known.spaces[0].isKernelsOwn)
    #expect(known.spaces.copies.count == known.spaces.count { $0.isUserCopy })
    for (copy, original) in known.spaces.copies {
      #expect(known.spaces[copy].pid == known.spaces[original].pid)
    }
  }

  @Test(
    "The array and the ring of packet filters are mirrors; what was given back after boot is of a kind of its own",
    arguments: GuestTruth.all)
  func mirrors(_ guest: GuestTruth) throws {
    let known = try Known(guest)
    let mirrors = Mirrors(of: known.index, in: known.memory)
    let particular = mirrors.all.filter { $0.kind == .mirror }
    #expect(particular.map { known.spaces[$0.spaceNumber].space.name } == ["bpf", "bpf", "bpf"])
    #expect(
      mirrors.all.count == mirrors.all.prefix { $0.kind == .mirror }.count
        + mirrors.all.count { $0.kind == .givenBack })
  }
}
