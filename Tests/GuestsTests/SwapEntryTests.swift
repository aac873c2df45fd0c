import PageTables
import TestSupport
import Testing

@testable import Guests

/// Which entries count as swapped out.
@Suite struct SwapEntryTests {
  private func mark(_ raw: UInt64, level: Int, at address: UInt64 = 0x1000) -> Mark {
    Mark(virtual: VirtualAddress(address), level: level, raw: raw)
  }

  // What the entry's meaning says at length, the test says in short.
  @Test(arguments: [X86.paging4Level(), X86.paging5Level(), X86.pae(), X86.paging32()])
  func linuxEntriesAreThoseWhoseMeaningSaysSo(_ plain: PagingScheme) throws {
    let scheme = plain.marked(by: .linux)
    for types in [SwapTypes.unknown, SwapTypes(files: 27, isPoisonKnown: true, migrations: 3)] {
      let reader = LinuxEntryReader(swapTypes: types, hasSavedDirty: nil)
      let test = try #require(SwapEntries(reader).test(scheme))
      var random = SeededRandom(seed: 7)
      var swapped = 0
      for level in scheme.levels.indices {
        let format = scheme.levels[level].format
        for _ in 0..<5000 {
          let raw = random.next() & (format.entrySize == 4 ? 0xffff_fffe : ~1)
          guard format.kind(of: raw) == .marked else { continue }
          let meaning = reader.meaning(of: raw, level: level, scheme: scheme)
          #expect(test(mark(raw, level: level)) == (meaning?.isSwapped == true))
          if meaning?.isSwapped == true { swapped += 1 }
        }
      }
      #expect(swapped > 1000)
    }
  }

  // 8 pages of a real guest's process `swap`; the kernel's part keeps something else in the same form.
  @Test func theKernelSwapsNothingOfItsOwn() throws {
    let scheme = X86.paging4Level().marked(by: .linux)
    let test = try #require(SwapEntries().test(scheme))
    #expect(test(mark(0x07ff_ffff_fffb_fc0a, level: 3, at: 0x7f00_0000_0000)))
    #expect(!test(mark(0x07ff_ffff_fffb_fc0a, level: 3, at: 0xffff_8880_0000_0000)))
  }

  // "Windows Internals", 7th edition, Part 1, Chapter 5, "Invalid PTEs": demand zero, in transition, in a page file, a
  // prototype.
  @Test func windowsKeepsPlacesInItsPageFile() throws {
    let scheme = X86.paging4Level().marked(by: .windows)
    let test = try #require(SwapEntries().test(scheme))
    let entries: [UInt64] = [0x300, 0x60_0d80, 0x1234 << 32 | 0x80, 0xffff_a00f << 32 | 0x400]
    #expect(entries.map { test(mark($0, level: 3)) } == [false, false, true, false])
    // That is a table, and what it maps is unknown.
    #expect(!test(mark(entries[2], level: 2)))
  }

  @Test func withoutASystemNothingIsKnown() {
    #expect(SwapEntries().test(X86.paging4Level()) == nil)
  }
}
