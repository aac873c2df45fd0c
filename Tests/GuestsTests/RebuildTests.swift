import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// The tables of real guests, rebuilt.
@Suite struct RebuildTests {
  @Test(arguments: GuestTruth.all) func theCopyOfAGuestWalksAsTheOriginalDoes(_ guest: GuestTruth) throws {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let spaces = try SpaceSearch(image).known().spaces.map(\.space)
    #expect(spaces.count >= 20)
    let copy = try rebuild(spaces.map(\.root), scheme: spaces[0].scheme, in: image.memory)
    #expect(RebuiltCheck(spaces, in: image.memory, limit: .max).differences(from: copy) == [])
    // Nothing but tables, each once.
    #expect(copy.memory.length == UInt64(copy.tables) * 4096)
    #expect(copy.missingTables == 0)
  }

  /// Every frame that the copy maps, and whether the dump holds it, as the guest's own pagemap has it.
  @Test(arguments: GuestTruth.all) func theCopyMapsTheFramesOfThePagemap(_ guest: GuestTruth) throws {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let spaces = try SpaceSearch(image).known().spaces.map(\.space)
    let copy = try rebuild(spaces.map(\.root), scheme: spaces[0].scheme, in: image.memory)
    let roots = try guest.roots()
    var checked = 0
    for pages in try guest.pages() where !pages.flags.contains("S") {
      let root = try #require(roots.first { $0.pid == pages.pid })
      for address in guest.rootAddresses(of: root) {
        guard let spaceNumber = spaces.firstIndex(where: { $0.root.value == address }) else { continue }
        let rebuilt = AddressSpace(
          name: "", root: copy.roots[spaceNumber], scheme: spaces[spaceNumber].scheme)
        for page in 0..<pages.count {
          let found = rebuilt.translate(VirtualAddress(pages.va + page * 4096), in: copy.memory)
          // PROT_NONE pages are in the pagemap, and not present for the processor.
          if root.name == "protect", found.page == nil { continue }
          #expect(found.page?.physical == Frame(pages.pfn + page).start)
          checked += 1
        }
      }
    }
    #expect(checked > 1000)
  }

  /// A mirror in a guest's kernel land shows in all of its processes, and the dump comes back as it was.
  @Test(arguments: GuestTruth.all) func userPagesOfAGuestAreMirrored(_ guest: GuestTruth) throws {
    let image = try MemoryImage.open(guest.capturePath, options: SourceOptions())
    let spaces = try SpaceSearch(image).known().spaces.map(\.space)
    let overlay = OverlayMemory(over: image.memory)
    let roots = try guest.roots()
    let pages = try #require(try guest.pages().first { !$0.flags.contains("S") && $0.count >= 2 })
    let root = try #require(roots.first { $0.pid == pages.pid })
    let kernelRoot = guest.rootAddresses(of: root)[0]
    let space = try #require(spaces.first { $0.root.value == kernelRoot })
    do {
      let mirror = try space.mirror(VirtualAddress(pages.va + 0x10), length: 0x1000, in: overlay)
      #expect(mirror.frames == [Frame(pages.pfn), Frame(pages.pfn + 1)])
      let frame = Frame(pages.pfn).start.advanced(by: 0x10)
      let others = try roots.map { guest.rootAddresses(of: $0)[0] }.map { address in
        try #require(spaces.first { $0.root.value == address })
      }
      let seeing = others.count { $0.translate(mirror.address, in: overlay).page?.physical == frame }
      #expect(seeing == others.count)
      #expect(overlay.isChanged)
    }
    #expect(!overlay.isChanged)
  }
}
