import PageTables
import TestSupport
import Testing

/// What no x86 has, held to a walk of every page by hand: rights of two privileges, several faulty forms, entries that
/// are present by any of some bits, leaves that map one page together, and two windows in a space.
@Suite struct InventedSchemeTests {
  struct Shape: CustomTestStringConvertible, Sendable {
    let kind: InventedScheme
    /// Levels of the upper window: 3 as the lower one, 2 by another scheme.
    let upperLevels: Int?

    var testDescription: String { "\(kind.rawValue), upper window: \(upperLevels.map { "\($0)" } ?? "none")" }
  }

  static let shapes = InventedScheme.allCases.flatMap { kind in
    [nil, 3, 2].map { Shape(kind: kind, upperLevels: $0) }
  }
  private static let seeds: Range<UInt64> = 0..<40

  /// One page of a space as it was found by hand.
  private struct Found: Hashable {
    let virtual: UInt64
    let physical: UInt64
    let rights: UInt8
  }

  private static func forEachCase(_ shape: Shape, _ body: (InventedMemory, UInt64) throws -> Void) rethrows {
    for seed in seeds {
      try body(
        InventedMemory(shape.kind, upperLevels: shape.upperLevels, isAcyclic: seed % 2 == 0, seed: seed), seed
      )
    }
  }

  private static func pages(_ space: AddressSpace, _ invented: InventedMemory) -> [(
    UInt64, InventedMemory.Page
  )] {
    var pages: [(UInt64, InventedMemory.Page)] = []
    for window in space.windows {
      invented.forEachPage(of: window) { virtual, outcome in
        if case .page(let page) = outcome { pages.append((virtual, page)) }
      }
    }
    return pages
  }

  @Test(arguments: shapes) func everyPageTranslates(_ shape: Shape) {
    var mapped = 0
    Self.forEachCase(shape) { invented, seed in
      for space in invented.spaces {
        for (number, window) in space.windows.enumerated() {
          invented.forEachPage(of: window) { virtual, outcome in
            let translation = space.translate(VirtualAddress(virtual + 0x123), in: invented.memory)
            #expect(translation.window == number)
            let found: InventedMemory.Outcome
            switch translation.outcome {
            case .mapped(let page):
              mapped += 1
              found = .page(
                InventedMemory.Page(
                  physical: page.physical.value - 0x123, rights: page.rights, size: page.pageSize,
                  tables: translation.steps.map(\.table.value), slot: translation.steps.last?.slot ?? -1))
            case .fault(.absent): found = .absent
            case .fault(.marked): found = .marked
            case .fault(.malformed): found = .malformed
            case .fault(.tableMissing): found = .missing
            case .fault(.nonCanonical), .fault(.noRoot):
              Issue.record("\(virtual) lies in a window")
              return
            }
            if found != outcome {
              Issue.record("seed \(seed), \(AddressText.hex(virtual)): \(found), not \(outcome)")
            }
          }
        }
        #expect(
          space.translate(VirtualAddress(1 << 40), in: invented.memory).outcome == .fault(.nonCanonical))
      }
    }
    #expect(mapped > 10_000)
  }

  @Test(arguments: shapes) func leavesAndRangesAreThePages(_ shape: Shape) {
    Self.forEachCase(shape) { invented, seed in
      for space in invented.spaces {
        let expected = Self.pages(space, invented).map {
          Found(virtual: $0.0, physical: $0.1.physical, rights: $0.1.rights.rawValue)
        }
        var leaves: [Found] = []
        _ = space.forEachLeaf(in: invented.memory) { leaf in
          let span = space.windows[leaf.window].scheme.levels[leaf.level].span
          leaves += Self.pages(leaf.virtual.value, leaf.physical.value, span, leaf.rights)
          return true
        }
        #expect(leaves == expected, "seed \(seed)")
        var ranges: [Found] = []
        _ = space.forEachRange(in: invented.memory) { range in
          ranges += Self.pages(
            range.virtual.value, range.physical.value, range.length, range.rights,
            isOneFrame: range.isOneFrame)
          return true
        }
        #expect(ranges == expected, "seed \(seed)")
      }
    }
  }

  private static func pages(
    _ virtual: UInt64, _ physical: UInt64, _ length: UInt64, _ rights: Rights, isOneFrame: Bool = false
  ) -> [Found] {
    stride(from: 0, to: length, by: 0x1000).map {
      Found(virtual: virtual &+ $0, physical: physical + (isOneFrame ? 0 : $0), rights: rights.rawValue)
    }
  }

  @Test(arguments: shapes) func theGraphKnowsWhoReachesWhat(_ shape: Shape) throws {
    try Self.forEachCase(shape) { invented, seed in
      let index = try #require(SpaceIndex(invented.spaces, memory: invented.memory))
      // Who reaches which table, by the levels below it and the scheme, which names the windows' size.
      var reaching: [[UInt64]: Set<Int>] = [:]
      for (spaceNumber, space) in invented.spaces.enumerated() {
        for window in space.windows {
          var open: [(UInt64, Int)] = [(window.root.value, window.scheme.levels.count - 1)]
          while let (table, height) = open.popLast() {
            let key = [table, UInt64(height), UInt64(window.scheme.levels.count)]
            guard invented.memory.entry(table: table, slot: 0) != nil,
              reaching[key, default: []].insert(spaceNumber).inserted
            else { continue }
            for slot in 0..<16 {
              let raw = invented.memory.entry(table: table, slot: slot) ?? 0
              if case .table(let next, _) = shape.kind.meaning(of: raw, slot: slot, height: height) {
                open.append((next, height - 1))
              }
            }
          }
        }
      }
      #expect(index.tableCount == reaching.count, "seed \(seed)")
      for (key, spaceNumbers) in reaching {
        let spaceNumber = try #require(spaceNumbers.min())
        let space = invented.spaces[spaceNumber]
        let window = try #require(space.windows.firstIndex { UInt64($0.scheme.levels.count) == key[2] })
        let table = TableReference(address: PhysicalAddress(key[0]), level: Int(key[2] - 1 - key[1]))
        let sharing = try #require(index.sharing(of: table, in: spaceNumber, window: window))
        #expect(sharing.spaces == spaceNumbers.count, "seed \(seed), \(key)")
        #expect(sharing.owner == spaceNumber, "seed \(seed), \(key)")
      }
      let lower = invented.spaces.map(\.windows[0])
      let graph = TableGraph(
        roots: lower.filter { $0.scheme == lower[0].scheme }.map(\.root), scheme: lower[0].scheme,
        memory: invented.memory)
      #expect(graph?.brokenInvariants() == [])
    }
  }

  @Test(arguments: shapes) func aliasesAreAllThatMapsAFrame(_ shape: Shape) throws {
    try Self.forEachCase(shape) { invented, seed in
      let index = try #require(SpaceIndex(invented.spaces, memory: invented.memory))
      var mapping: [UInt64: Set<[UInt64]>] = [:]
      for (spaceNumber, space) in invented.spaces.enumerated() {
        for (virtual, page) in Self.pages(space, invented) {
          mapping[page.physical, default: []].insert([
            UInt64(spaceNumber), virtual, UInt64(page.rights.rawValue),
          ])
        }
      }
      for frame in stride(from: UInt64(0), to: 0x4_0000, by: 0x1000) {
        let aliases = index.aliases(of: PhysicalAddress(frame), in: invented.memory)
        var members: Set<[UInt64]> = []
        for group in aliases.groups {
          index.forEachMember(of: group, mapping: PhysicalAddress(frame)) { alias in
            members.insert([UInt64(alias.spaceNumber), alias.virtual.value, UInt64(alias.rights.rawValue)])
            return true
          }
        }
        #expect(members == mapping[frame, default: []], "seed \(seed), \(AddressText.hex(frame))")
        #expect(aliases.count == UInt64(members.count))
      }
    }
  }

  @Test(arguments: shapes) func walkSpacesWithItsReferencesIsTheWalk(_ shape: Shape) {
    var references = 0
    Self.forEachCase(shape) { invented, seed in
      let walk = walkSpaces(invented.spaces, in: invented.memory)
      var known: [[UInt64: UInt64]] = []
      for (spaceNumber, items) in walk.items.enumerated() {
        var pages: [UInt64: UInt64] = [:]
        var last: UInt64?
        for item in items {
          switch item {
          case .mapping(let range, _):
            #expect(last.map { $0 <= range.virtual.value } ?? true, "seed \(seed): ascending")
            for page in Self.pages(
              range.virtual.value, range.physical.value, range.length, range.rights,
              isOneFrame: range.isOneFrame)
            {
              pages[page.virtual] = page.physical
            }
            last = range.virtual.value
          case .reference(let reference, _, _):
            references += 1
            #expect(reference.owner <= spaceNumber, "seed \(seed): the owner stands earlier")
            let theirs = reference.owner == spaceNumber ? pages : known[reference.owner]
            for offset in stride(from: UInt64(0), to: reference.length, by: 0x1000) {
              if let physical = theirs[reference.theirVA.value &+ offset] {
                pages[reference.ourVA.value &+ offset] = physical
              }
            }
            last = reference.ourVA.value
          case .table: break
          }
        }
        let expected = Dictionary(
          uniqueKeysWithValues: Self.pages(invented.spaces[spaceNumber], invented).map {
            ($0.0, $0.1.physical)
          })
        #expect(pages == expected, "seed \(seed), space \(spaceNumber)")
        known.append(pages)
      }
    }
    #expect(references > 100)
  }

  /// A root that two spaces have in one window is a reference at depth 0 for that window alone.
  @Test func aSharedUpperRootIsAReferenceAtDepth0() {
    let scheme = InventedScheme.splitRights.scheme(levels: 3)
    var memory = TableMemory()
    let roots = (0..<3).map { _ in PhysicalAddress(memory.makeTable()) }
    let first = VirtualAddress(0xffff_ffff_ff00_0000)
    memory.set(table: roots[2].value, slot: 15, to: 0x3_0000 | 0x80 | 7)
    let spaces = (0..<2).map { number in
      AddressSpace(
        name: "",
        windows: [
          AddressWindow(root: roots[number], scheme: scheme),
          AddressWindow(root: roots[2], scheme: scheme, first: first),
        ])
    }
    let walk = walkSpaces(spaces, in: memory)
    #expect(walk.references(of: 0).isEmpty)
    let reference = walk.references(of: 1).first
    #expect(walk.items[1].count == 1)
    #expect(reference?.depth == 0)
    #expect(reference?.ourVA == first)
    #expect(reference?.theirVA == first)
    #expect(reference?.length == 0x100_0000)
    #expect(reference?.space == roots[0])
  }

  @Test(arguments: shapes) func mirrorsAreFramesThatBothMap(_ shape: Shape) throws {
    var pagesSeen = 0
    try Self.forEachCase(shape) { invented, seed in
      let index = try #require(SpaceIndex(invented.spaces, memory: invented.memory))
      let mirrors = Mirrors(of: index, in: invented.memory)
      #expect(mirrors.isComplete)
      var mirrored: Set<UInt64> = []
      for mirror in mirrors.all {
        for offset in stride(from: UInt64(0), to: mirror.length, by: 0x1000) {
          pagesSeen += 1
          let user = invented.spaces[mirror.spaceNumber].translate(
            mirror.userVA.advanced(by: offset), in: invented.memory
          ).page
          let kernel = invented.spaces[mirror.kernelSpaceNumber].translate(
            mirror.kernelVA.advanced(by: offset), in: invented.memory
          ).page
          let physical = try #require(user?.physical, "seed \(seed)")
          #expect(kernel?.physical == physical, "seed \(seed)")
          if offset == 0 { #expect(mirror.physical == physical, "seed \(seed)") }
          mirrored.insert(physical.value)
        }
      }
      // Where nothing is recursive, every frame that some path gives the user and some the supervisor alone.
      guard seed % 2 == 0 else { return }
      var users: Set<UInt64> = []
      var supervisors: Set<UInt64> = []
      for (spaceNumber, space) in invented.spaces.enumerated() {
        for (virtual, page) in Self.pages(space, invented) {
          if page.rights.isUser {
            users.insert(page.physical)
            continue
          }
          let number = try #require(space.window(of: VirtualAddress(virtual)))
          let isDirect = index.directMaps(in: spaceNumber, window: number).contains(
            VirtualAddress(virtual), PhysicalAddress(page.physical))
          if !isDirect { supervisors.insert(page.physical) }
        }
      }
      #expect(mirrored.isSubset(of: users), "seed \(seed)")
      #expect(mirrored.isSubset(of: supervisors), "seed \(seed)")
    }
    #expect(pagesSeen > 100)
  }
}
