import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What the processes of real guests use, against the guest's own pagemap.
@Suite struct SpaceMemoryTruthTests {
  /// What the guest's kernel says of a process.
  private struct Process {
    var mapped: [UInt64] = []
    var swapped: UInt64 = 0
  }

  /// A guest's processes by the root that the kernel uses, with the frame of each page that the CPU reaches for the user.
  /// The kernel reports no page without a `struct page`, such as the device's and the vsyscall page: these come from QEMU.
  private func processes(_ guest: GuestTruth) throws -> [UInt64: Process] {
    let roots = try guest.roots()
    let leaves = Dictionary(grouping: try guest.leaves(), by: \.root)
    var processes: [UInt64: Process] = [:]
    for root in roots {
      // Two processes in one space report the same pages.
      guard let first = guest.rootAddresses(of: root).first, processes[first] == nil else { continue }
      let seen = (leaves[guest.rootAddresses(of: root).last] ?? []).filter { $0.flags.contains("U") }
      var process = Process()
      var reported: Set<UInt64> = []
      for run in try guest.pages() where run.pid == root.pid {
        if run.flags.contains("S") { process.swapped += run.count * 4096 }
        for index in 0..<run.count where run.flags.contains("P") {
          let va = run.va + index * 4096
          // What the guest keeps from the CPU (PROT_NONE) is present for the kernel alone.
          guard seen.contains(where: { $0.va <= va && va - $0.va < $0.count * $0.pageSize }) else { continue }
          process.mapped.append(run.pfn + index)
          reported.insert(va)
        }
      }
      for leaf in seen {
        for offset in stride(from: 0, to: leaf.count * leaf.pageSize, by: 4096)
        where !reported.contains(leaf.va + offset) {
          process.mapped.append((leaf.pa + offset) >> 12)
        }
      }
      processes[first] = process
    }
    return processes
  }

  @Test(arguments: GuestTruth.all)
  func everyProcessUsesWhatItsPagemapSays(_ guest: GuestTruth) throws {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let spaces = try SpaceDiscovery(SpaceSearch(image)).all().spaces
    let index = try #require(SpaceIndex(spaces.map(\.space), memory: image.memory, copies: spaces.copies))
    let use = try #require(index.memory(of: spaces, guest: nil, in: image.memory))
    let truth = try processes(guest)
    var mappings: [UInt64: Int] = [:]
    for frame in truth.values.flatMap(\.mapped) { mappings[frame, default: 0] += 1 }
    var swapped: UInt64 = 0
    for (root, process) in truth {
      // Under isolation both copies have the same answer.
      for address in guest.hasIsolation ? [root, root | 0x1000] : [root] {
        let number = try #require(spaces.firstIndex { $0.space.root.value == address })
        let name = spaces[number].space.name
        #expect(use[number].userBytes == UInt64(process.mapped.count) * 4096, "\(name)")
        #expect(use[number].residentBytes == UInt64(Set(process.mapped).count) * 4096, "\(name)")
        let share = process.mapped.reduce(0) { $0 + 4096 / Double(mappings[$1] ?? 0) }
        #expect(abs(Double(use[number].proportionalBytes) - share) <= 1, "\(name)")
        let sole = process.mapped.count { mappings[$0] == 1 }
        #expect(use[number].privateBytes == UInt64(sole) * 4096, "\(name)")
        #expect(use[number].swappedBytes == process.swapped, "\(name)")
        #expect(use[number].isComplete)
      }
      swapped += process.swapped
    }
    // The process `swap` has 8 pages in swap space.
    #expect(swapped == 8 * 4096)
    // The kernel has no user half.
    let kernel = try #require(spaces.firstIndex { $0.isKernelsOwn })
    #expect(use[kernel].userBytes == 0 && use[kernel].proportionalBytes == 0)
  }

  /// Under isolation a process's tables are its own, although both copies reach them.
  @Test(arguments: GuestTruth.all)
  func ownTablesAreThoseThatNoOtherProcessReaches(_ guest: GuestTruth) throws {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let spaces = try SpaceDiscovery(SpaceSearch(image)).all().spaces
    let index = try #require(SpaceIndex(spaces.map(\.space), memory: image.memory, copies: spaces.copies))
    let use = try #require(index.memory(of: spaces, guest: nil, in: image.memory))
    let truth = try SharingTruth.tables(
      guest, reachedFrom: spaces.filter { !$0.isPossiblyStale }.map(\.space.root.value))
    for (number, found) in spaces.enumerated() where !found.isPossiblyStale {
      let root = found.space.root.value
      let reached = truth.filter { $0.value.roots.contains(root) }
      let own = reached.filter { table in
        table.value.roots.allSatisfy { $0 == root || guest.hasIsolation && $0 == root ^ 0x1000 }
      }
      #expect(use[number].ownTables == own.count, "\(found.space.name)")
      #expect(use[number].sharedTables == reached.count - own.count, "\(found.space.name)")
    }
  }
}
