import PageTables
import TestSupport
import Testing

/// Random maps and unmaps, held against a list of what should be mapped.
@Suite struct WritingPropertyTests {
  private struct Page: Equatable {
    let level: Int
    let frame: Frame
    let access: Access
  }

  /// What should be mapped, by the page's first address.
  private struct Model {
    let scheme: PagingScheme
    var pages: [UInt64: Page] = [:]

    func span(_ page: Page) -> UInt64 { scheme.levels[page.level].span }

    /// Whether a page lies in the bytes from `start` through `last`.
    func overlaps(_ start: UInt64, through last: UInt64) -> Bool {
      pages.contains { $0.key <= last && $0.key + (span($0.value) - 1) >= start }
    }

    /// Takes a range away; pages that it cuts fall apart into the smallest ones. False where it has holes.
    mutating func take(_ start: UInt64, _ length: UInt64) -> Bool {
      var rest = self
      var address = start
      while address < start + length {
        guard
          let (first, page) = rest.pages.first(where: {
            $0.key <= address && address < $0.key + span($0.value)
          })
        else { return false }
        let end = first + span(page)
        rest.pages[first] = nil
        address = end
        guard first < start || end > start + length else { continue }
        for (index, small) in stride(from: first, to: end, by: 0x1000).enumerated()
        where small < start || small >= start + length {
          rest.pages[small] = Page(
            level: scheme.levels.count - 1, frame: Frame(page.frame.number + UInt64(index)),
            access: page.access)
        }
      }
      self = rest
      return true
    }
  }

  @Test(arguments: RandomTables.schemes, [1, 2, 3, 4, 5, 6] as [UInt64])
  func mapsAndUnmapsDoWhatTheModelSays(name: String, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let scheme = try #require(X86.all().first { $0.name == name })
    let (space, memory) = try emptySpace(scheme)
    let empty = MemoryPicture(memory)
    var model = Model(scheme: scheme)
    let leafLevels = scheme.levels.indices.filter {
      !scheme.levels[$0].leafFields.isEmpty && scheme.levels[$0].span <= 4 << 20
    }
    let regions = [0, scheme.upperHalf.value - (scheme.isSignExtended ? 0 : 0x80_0000)]
    for _ in 0..<60 {
      let region = random.pick(regions)
      let level = random.pick(leafLevels)
      let span = scheme.levels[level].span
      let start = region + UInt64.random(in: 0..<(16 << 20) / span, using: &random) * span
      let before = MemoryPicture(memory)
      if random.once(in: 2) {
        let count = Int.random(in: 1...3, using: &random)
        let access = scheme.levels[level].format.leastAccess(
          allowing: Access(rawValue: UInt8.random(in: 0..<8, using: &random)))
        let frames = (0..<count).map { _ in
          PhysicalAddress(UInt64.random(in: 0..<64, using: &random) * span).frame
        }
        let isTaken = model.overlaps(start, through: start + (UInt64(count) * span - 1))
        do throws(WritingError) {
          try space.map(VirtualAddress(start), to: frames, access: access, level: level, in: memory)
          #expect(!isTaken)
          for (index, frame) in frames.enumerated() {
            model.pages[start + UInt64(index) * span] = Page(level: level, frame: frame, access: access)
          }
        } catch {
          #expect(isTaken, "\(error)")
          #expect(MemoryPicture(memory) == before)
        }
      } else {
        let target =
          random.once(in: 3) ? start : model.pages.keys.sorted().randomElement(using: &random) ?? start
        let length = random.pick([span, 2 * span, 0x1000])
        let isTaken = model.take(target, length)
        do throws(WritingError) {
          try space.unmap(VirtualAddress(target), length: length, in: memory)
          #expect(isTaken)
        } catch {
          #expect(!isTaken, "\(error)")
          #expect(MemoryPicture(memory) == before)
        }
      }
      let found = space.leaves(in: memory).map { leaf in
        (leaf.virtual.value, Page(level: leaf.level, frame: leaf.physical.frame, access: leaf.access))
      }
      #expect(Dictionary(uniqueKeysWithValues: found) == model.pages)
    }
    for (address, page) in model.pages {
      try space.unmap(VirtualAddress(address), length: model.span(page), in: memory)
    }
    #expect(MemoryPicture(memory) == empty)
  }
}
