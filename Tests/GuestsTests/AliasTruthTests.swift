import MemoryImages
import PageTables
import TestSupport
import Testing

/// Aliases and mirrors of real guests, against the guest's pagemap and QEMU's view of the kernel's half.
@Suite struct AliasTruthTests {
  private typealias UserPage = SharingTruth.UserPage

  /// Every process of a guest as a space of its own, by the root that its CPU ran in user mode.
  private struct Indexed {
    let memory: any PhysicalMemory
    let pids: [Int]
    let index: SpaceIndex
    let truth: SharingTruth

    init(_ guest: GuestTruth, roots: (GuestTruth.Root) -> UInt64?) throws {
      truth = try SharingTruth(guest)
      memory = try MemoryImage.open(guest.capturePath, options: SourceOptions()).memory
      let scheme = try #require(X86.all().first { $0.name == guest.schemeName })
      var spaces: [AddressSpace] = []
      var pids: [Int] = []
      for process in try guest.roots() {
        let root = try #require(roots(process))
        spaces.append(AddressSpace(name: process.name, root: PhysicalAddress(root), scheme: scheme))
        pids.append(process.pid)
      }
      self.pids = pids
      index = try #require(SpaceIndex(spaces, memory: memory))
    }
  }

  @Test(arguments: GuestTruth.all)
  func aliasesOfEverySharedFrameAreItsMappings(_ guest: GuestTruth) throws {
    let guestView = try Indexed(guest) { guest.rootAddresses(of: $0).last }
    #expect(guestView.truth.sharedFrames.count > 100)
    for (frame, expected) in guestView.truth.sharedFrames {
      let aliases = guestView.index.aliases(of: Frame(frame).start, in: guestView.memory)
      let groups = aliases.groups.filter { $0.first.access.contains(.user) }
      let found = groups.flatMap { group in
        guestView.index.members(of: group, mapping: aliases.physical, limit: .max)
          .map { UserPage(pid: guestView.pids[$0.spaceNumber], va: $0.virtual.value) }
      }
      #expect(found.sorted() == expected, "frame \(String(frame, radix: 16))")
      #expect(groups.reduce(0) { $0 + $1.count } == UInt64(expected.count))
    }
  }

  @Test(arguments: GuestTruth.all)
  func everyKernelMappingOfAUserFrameIsAMirrorAndNothingElse(_ guest: GuestTruth) throws {
    let guestView = try Indexed(guest) { guest.rootAddresses(of: $0).first }
    let mirrors = Mirrors(of: guestView.index, in: guestView.memory)
    #expect(mirrors.isComplete)
    var found: Set<UInt64> = []
    let truth = Dictionary(uniqueKeysWithValues: guestView.truth.mirrors.map { ($0.va, $0) })
    for mirror in mirrors.all {
      for offset in stride(from: 0, to: mirror.length, by: 4096) {
        let page = try #require(truth[mirror.kernelVA.value + offset], "no mirror at \(mirror.kernelVA)")
        let user = UserPage(pid: guestView.pids[mirror.spaceNumber], va: mirror.userVA.value + offset)
        #expect(page.users.contains(user))
        #expect(found.insert(page.va).inserted)
      }
    }
    #expect(found == Set(truth.keys))
    #expect(!truth.isEmpty)
    // Nothing more could be joined: what follows a mirror at both sides begins with one of its frames.
    let ends = Dictionary(
      mirrors.all.map {
        ([UInt64($0.spaceNumber), $0.kernelVA.value + $0.length, $0.userVA.value + $0.length], $0)
      },
      uniquingKeysWith: { one, _ in one })
    for mirror in mirrors.all {
      guard let before = ends[[UInt64(mirror.spaceNumber), mirror.kernelVA.value, mirror.userVA.value]] else {
        continue
      }
      let frames = stride(from: 0, to: before.length, by: 4096).map {
        truth[before.kernelVA.value + $0]?.frame
      }
      #expect(frames.contains(mirror.physical.frame.number))
    }
  }

  @Test(arguments: GuestTruth.all)
  func sharersOfAProcessAreThoseThatMapItsFrames(_ guest: GuestTruth) throws {
    let guestView = try Indexed(guest) { guest.rootAddresses(of: $0).last }
    var frames: [Int: Set<UInt64>] = [:]
    for (frame, users) in guestView.truth.users {
      for user in users { frames[user.pid, default: []].insert(frame) }
    }
    for (spaceNumber, pid) in guestView.pids.enumerated() {
      let sharers = guestView.index.sharers(of: spaceNumber, in: guestView.memory)
      let found = Dictionary(uniqueKeysWithValues: sharers.map { (guestView.pids[$0.spaceNumber], $0.pages) })
      let own = frames[pid] ?? []
      let expected = frames.filter { $0.key != pid && guestView.pids.contains($0.key) }
        .mapValues { $0.intersection(own).count }.filter { $0.value > 0 }
      // The device's page and the vsyscall page are in no pagemap: at most two pages more.
      for (other, count) in expected { #expect((count...count + 2).contains(found[other] ?? 0)) }
      #expect(found.filter { expected[$0.key] == nil && $0.value > 2 }.isEmpty)
      #expect(sharers.map(\.pages) == sharers.map(\.pages).sorted(by: >))
    }
  }

  @Test(arguments: GuestTruth.all)
  func directMapIsWhereTheUsersFramesAre(_ guest: GuestTruth) throws {
    let guestView = try Indexed(guest) { guest.rootAddresses(of: $0).first }
    #expect(guestView.index.directMaps(in: 0, window: 0).offsets == [guestView.truth.directMapOffset])
  }

  @Test(arguments: GuestTruth.all)
  func countsOfEveryTableAreTheTruths(_ guest: GuestTruth) throws {
    let guestView = try Indexed(guest) { guest.rootAddresses(of: $0).first }
    let spaces = guestView.index.spaces
    let reached = guestView.truth.tables.filter { !$0.value.roots.isDisjoint(with: spaces.map(\.root.value)) }
    #expect(guestView.index.tableCount == reached.count)
    for (table, reach) in reached {
      let reference = TableReference(address: PhysicalAddress(table.address), level: table.level)
      let sharing = try #require(guestView.index.sharing(of: reference, in: 0, window: 0))
      #expect(sharing.spaces == spaces.count { reach.roots.contains($0.root.value) })
      #expect(sharing.owner == spaces.firstIndex { reach.roots.contains($0.root.value) })
    }
  }
}
