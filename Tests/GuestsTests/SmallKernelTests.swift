import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// All spaces of an image, after a scan.
func allSpaces(_ image: MemoryImage, _ options: SpaceSearchOptions = SpaceSearchOptions()) throws
  -> FoundSpaces?
{
  let search = SpaceSearch(image, options)
  return search.scan(known: try search.known()) { _ in true }
}

/// Kernels that are not Linux: where their part begins, and what their roots have in common, is their own choice.
@Suite struct SmallKernelTests {
  private func roots(_ found: FoundSpaces?) throws -> Set<UInt64> {
    Set(try #require(found).spaces.filter { !$0.isPossiblyStale }.map(\.space.root.value))
  }

  // As the BSDs do. Read with a level more, the large page at physical 0 is a GiB and maps all memory, too, and the
  // other seven are malformed (SDM Vol. 3A, Table 4-16: bits 29:13 are reserved).
  @Test(arguments: [false, true])
  func aDirectMapOfLargePagesIsReadWithFourLevels(hasRecursiveSlot: Bool) throws {
    var kernel = SmallKernel(X86.paging4Level(), size: 16 << 20)
    let own = kernel.root()
    kernel.mapAll(of: own, at: 0xffff_9000_0000_0000, level: 2)
    kernel.memory.map(
      0xffff_ffff_8020_0000, to: 0x20_0000, in: own, level: 2, flags: 0xe3, tableFlags: 0x63)
    var expected: Set<UInt64> = [own.root.value]
    for process in 0..<6 as Range<UInt64> {
      let root = kernel.root()
      kernel.share(256..<512, of: own, with: root)
      kernel.memory.map(0x20_0000, to: 0x80_0000 + process << 12, in: root, flags: 0x67)
      kernel.memory.map(0x7fff_ffff_e000, to: 0x90_0000 + process << 12, in: root, flags: 0x67)
      expected.insert(root.root.value)
    }
    if hasRecursiveSlot {
      for root in expected { kernel.memory.set(table: root, slot: 256, to: root | 0x63) }
    }
    kernel.complete()
    let found = try #require(try allSpaces(kernel.raw()))
    #expect(Set(found.spaces.map(\.space.scheme.name)) == ["x86-64"])
    #expect(Set(found.spaces.map(\.space.root.value)) == expected)
  }

  /// As xv6 does: every process maps all memory by tables of its own, from 0x80000000 on.
  private func ownTables() -> (kernel: SmallKernel, roots: [AddressSpace]) {
    var kernel = SmallKernel(X86.paging32())
    var roots: [AddressSpace] = []
    for process in 0..<5 as Range<UInt64> {
      let root = kernel.root()
      kernel.mapAll(of: root, at: 0x8000_0000)
      kernel.memory.map(0, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      roots.append(root)
    }
    kernel.complete()
    return (kernel, roots)
  }

  @Test func rootsWithKernelTablesOfTheirOwnMapTheProcessorsTablesToTheSameFrames() throws {
    let (kernel, all) = ownTables()
    let image = kernel.onCPU(all[2], cr4: 0x10, tables: 0x8060_0000, machine: .i386)
    #expect(try roots(allSpaces(image)) == Set(all.map(\.root.value)))
  }

  @Test func rootsWithKernelTablesOfTheirOwnAreFoundWithoutRegisters() throws {
    let (kernel, all) = ownTables()
    let found = try allSpaces(kernel.raw())
    #expect(try roots(found) == Set(all.map(\.root.value)))
    #expect(found?.spaces.first?.space.scheme.name == "x86-32")
  }

  // A root whose descriptor tables lie elsewhere is another kernel's.
  @Test func rootsThatMapTheProcessorsTablesElsewhereAreNone() throws {
    var (kernel, all) = ownTables()
    let other = all.removeLast()
    for table in 0..<2 as Range<UInt64> {
      kernel.memory.map(0x8060_0000 + table << 12, to: 0x65_0000 + table << 12, in: other, flags: 0x63)
    }
    let image = kernel.onCPU(all[2], cr4: 0x10, tables: 0x8060_0000, machine: .i386)
    #expect(try roots(allSpaces(image)) == Set(all.map(\.root.value)))
  }

  /// A kernel with one set of tables from `start` on.
  private func sharedTables(
    from start: UInt64, adding more: (inout SmallKernel, [AddressSpace]) -> Void = { _, _ in }
  ) -> (kernel: SmallKernel, roots: [AddressSpace]) {
    var kernel = SmallKernel(X86.paging32())
    let first = kernel.root()
    kernel.mapAll(of: first, at: start)
    var roots = [first]
    for process in 0..<4 as Range<UInt64> {
      let root = kernel.root()
      kernel.share(Int(start >> 22)..<1024, of: first, with: root)
      kernel.memory.map(0x40_0000, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      roots.append(root)
    }
    kernel.memory.map(0x40_0000, to: 0x71_0000, in: first, flags: 0x67)
    more(&kernel, roots)
    kernel.complete()
    return (kernel, roots)
  }

  @Test(arguments: [0x8000_0000, 0xef00_0000] as [UInt64])
  func aKernelMayBeginAnywhere(_ start: UInt64) throws {
    let (kernel, all) = sharedTables(from: start)
    let image = kernel.onCPU(all[1], cr4: 0x10, tables: start + 0x60_0000, machine: .i386)
    #expect(try roots(allSpaces(image)) == Set(all.map(\.root.value)))
    #expect(try roots(allSpaces(kernel.raw())) == Set(all.map(\.root.value)))
  }

  // Nothing but the person knows where it begins: the registers lead nowhere, and a third of what the supervisor has is
  // each root's own.
  @Test func whereTheKernelBeginsCanBeSaid() throws {
    let (kernel, all) = sharedTables(from: 0x8000_0000) { kernel, roots in
      for (number, root) in roots.enumerated() {
        for page in 0..<1024 as Range<UInt64> {
          let frame = (page * 5 + UInt64(number)) % 2048
          kernel.memory.map(0x1000_0000 + page << 12, to: frame << 12, in: root, flags: 3)
        }
      }
    }
    var image = kernel.raw()
    image.machine = .i386
    image.cpus = [CPUState(cr0: 0x8001_0011, cr3: all[0].root.value, cr4: 0x10, instructionPointer: 0)]
    #expect(try roots(allSpaces(image)) == [all[0].root.value])
    var options = SpaceSearchOptions()
    options.kernelStart = VirtualAddress(0x8000_0000)
    #expect(try roots(allSpaces(image, options)) == Set(all.map(\.root.value)))
  }

  // SDM Vol. 3A, Table 4-8 reserves bits 2:1 of a PDPTE; emulators let them pass.
  @Test func rootsOfPAEWithReservedBitsAreFound() throws {
    let scheme = X86.pae()
    var kernel = SmallKernel(scheme)
    var all: [AddressSpace] = []
    let own = kernel.root()
    kernel.mapAll(of: own, at: 0xc000_0000)
    for process in 0..<5 as Range<UInt64> {
      let root = kernel.root()
      kernel.share(3..<4, of: own, with: root)
      kernel.memory.map(0x40_0000, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      all.append(root)
    }
    for root in all + [own] {
      for slot in 0..<4 {
        guard let raw = kernel.memory.entry(table: root.root.value, slot: slot), raw != 0 else { continue }
        kernel.memory.set(table: root.root.value, slot: slot, to: raw | 6)
      }
    }
    kernel.complete()
    let image = kernel.onCPU(all[1], cr4: 0x30, tables: 0xc060_0000, machine: .i386)
    for found in [try allSpaces(image), try allSpaces(kernel.raw())] {
      #expect(Set(try #require(found).spaces.map(\.space.scheme.name)) == ["x86-pae"])
      #expect(try roots(found).isSuperset(of: all.map(\.root.value)))
    }
  }

  // The kernel runs where it was loaded, and nothing is in an upper half; data that reads as a PAE root is near.
  @Test func besideAProcessorsRootNothingIsReadInAnotherWay() throws {
    var kernel = SmallKernel(X86.paging4Level())
    let own = kernel.root()
    kernel.mapAll(of: own, at: 0, level: 2)
    kernel.complete()
    var image = kernel.raw()
    image.machine = .x86_64
    image.cpus = [CPUState(cr0: 0x8000_0011, cr3: own.root.value, cr4: 0x20, instructionPointer: 0)]
    let found = try #require(try allSpaces(image))
    #expect(found.spaces.map(\.space.root) == [own.root])
    #expect(found.spaces.map(\.foundBy) == ["cpu 0"])
  }

  /// Six processes whose roots a table of processes names, one that ended, and the kernel's own root.
  private func withPointers() -> (
    image: MemoryImage, live: [AddressSpace], ended: AddressSpace, own: AddressSpace
  ) {
    var kernel = SmallKernel(X86.paging32())
    let own = kernel.root()
    kernel.mapAll(of: own, at: 0xf000_0000)
    var roots: [AddressSpace] = []
    for process in 0..<7 as Range<UInt64> {
      let root = kernel.root()
      kernel.share(960..<1024, of: own, with: root)
      kernel.memory.map(0x80_0000, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      roots.append(root)
    }
    let ended = roots.removeLast()
    for (number, root) in (roots + [own]).enumerated() {
      kernel.memory.set(table: 0x60_3000, slot: 5 * number, to: 0xf000_0000 + root.root.value, size: 4)
    }
    kernel.complete()
    return (
      kernel.onCPU(roots[1], cr4: 0x10, tables: 0xf060_0000, machine: .i386), roots, ended, own
    )
  }

  @Test func aRootThatNothingPointsAtIsPossiblyStale() throws {
    let (image, live, ended, _) = withPointers()
    let found = try #require(try allSpaces(image))
    let stale = found.spaces.filter(\.isPossiblyStale).map(\.space.root)
    #expect(stale == [ended.root])
    #expect(try roots(found).isSuperset(of: live.map(\.root.value)))
  }

  @Test func theKernelsOwnRootIsNoStaleOneWhereSomethingPointsAtIt() throws {
    let (image, _, _, own) = withPointers()
    let found = try #require(try allSpaces(image)).spaces.first { $0.space.root == own.root }
    #expect(found?.isPossiblyStale == false)
    #expect(found?.space.name == "kernel")
  }

  @Test func noTwoSpacesAreTheKernels() throws {
    let (image, live, _, _) = withPointers()
    var options = SpaceSearchOptions()
    options.roots = [GivenRoot("kernel", live[0].root)]
    options.scans = true
    let names = try #require(try allSpaces(image, options)).spaces.map(\.space.name)
    #expect(names.count { $0 == "kernel" } == 1)
    #expect(names.count == 8)
  }

  @Test func aGivenRootIsListedOnce() throws {
    let (image, live, _, _) = withPointers()
    for scans in [false, true] {
      var options = SpaceSearchOptions()
      options.roots = [GivenRoot("a", live[0].root), GivenRoot("b", live[0].root)]
      options.scans = scans
      let found = try #require(try allSpaces(image, options))
      #expect(found.spaces.count { $0.space.root == live[0].root } == 1)
      #expect(found.spaces.first?.space.name == "a")
      #expect(found.warnings.count { $0.contains("listed once") } == 1)
    }
  }
}

/// Where the kernel's part begins, and what it maps of memory, where it is not Linux.
@Suite struct KernelStartTests {
  /// As JOS does: all of the last 256 MiB map memory from 0 on, however little there is; the user's stacks end at
  /// 0xeebfe000, and below 0xf0000000 is a kernel's stack.
  private func jos() -> (kernel: SmallKernel, roots: [AddressSpace]) {
    var kernel = SmallKernel(X86.paging32())
    let first = kernel.root()
    kernel.mapAll(of: first, at: 0xf000_0000, level: 0, length: 1 << 28)
    kernel.memory.map(0xefff_f000, to: 0x61_0000, in: first, flags: 0x63)
    var roots: [AddressSpace] = []
    for process in 0..<4 as Range<UInt64> {
      let root = kernel.root()
      kernel.share(959..<1024, of: first, with: root)
      kernel.memory.map(0x80_0000, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      kernel.memory.map(0xeebf_d000, to: 0x71_0000 + process << 12, in: root, flags: 0x67)
      roots.append(root)
    }
    kernel.complete()
    return (kernel, roots)
  }

  @Test func stacksOfUsersAboveTheUsualPlaceAreNoKernelMemory() throws {
    let (kernel, roots) = jos()
    let image = kernel.onCPU(roots[0], cr4: 0x10, tables: 0xf060_0000, machine: .i386)
    let search = SpaceSearch(image)
    let spaces = try #require(search.scan(known: try search.known()) { _ in true }).spaces
    let start = search.kernelStart(of: spaces, spaces[0].space.scheme)
    #expect(start > VirtualAddress(0xeebf_dfff) && start <= VirtualAddress(0xefff_f000))
    let index = try #require(SpaceIndex(spaces.map(\.space), memory: image.memory))
    let found = Findings(of: index, in: image.memory) { search.kernelStart(of: spaces, $0) }.all
    #expect(!found.contains { $0.kind == .userKernelMemory })
  }

  @Test func memoryOfTheKernelThatUsersMayUseStaysAFinding() throws {
    var (kernel, roots) = jos()
    kernel.memory.map(0xefff_e000, to: 0x61_1000, in: roots[0], flags: 0x67, tableFlags: 0x67)
    let table = try #require(kernel.memory.entry(table: roots[0].root.value, slot: 959, size: 4))
    kernel.memory.set(table: roots[0].root.value, slot: 959, to: table | 4, size: 4)
    let image = kernel.onCPU(roots[0], cr4: 0x10, tables: 0xf060_0000, machine: .i386)
    let search = SpaceSearch(image)
    let spaces = try search.known().spaces
    let index = try #require(SpaceIndex(spaces.map(\.space), memory: image.memory))
    let found = Findings(of: index, in: image.memory) { search.kernelStart(of: spaces, $0) }.all
    #expect(found.filter { $0.kind == .userKernelMemory }.map(\.virtual.value) == [0xefff_e000])
  }

  // As xv6 does: a stack that ends where the kernel begins, and devices at the top.
  @Test func aStackThatEndsWhereTheKernelBeginsIsNoKernelMemory() throws {
    var kernel = SmallKernel(X86.paging32())
    let boot = kernel.root()
    kernel.mapAll(of: boot, at: 0x8000_0000)
    for slot in 0..<2 {
      let table = try #require(kernel.memory.entry(table: boot.root.value, slot: 512 + slot, size: 4))
      kernel.memory.set(table: boot.root.value, slot: slot, to: table, size: 4)
    }
    var roots: [AddressSpace] = []
    for process in 0..<4 as Range<UInt64> {
      let root = kernel.root()
      kernel.mapAll(of: root, at: 0x8000_0000)
      kernel.memory.map(0xfe00_0000, to: 0xfe00_0000, in: root, flags: 0x73)
      kernel.memory.map(0x7fff_e000, to: 0x70_0000 + process << 12, in: root, flags: 0x67)
      roots.append(root)
    }
    kernel.complete()
    let search = SpaceSearch(kernel.raw())
    #expect(search.kernelStart(of: [boot] + roots, kernel.scheme, isLinux: false).value == 0x8000_0000)
  }

  @Test func whatThePersonSaysOfItGoesBefore() throws {
    let (kernel, roots) = jos()
    let image = kernel.onCPU(roots[0], cr4: 0x10, tables: 0xf060_0000, machine: .i386)
    var options = SpaceSearchOptions()
    options.kernelStart = VirtualAddress(0xd000_0000)
    let search = SpaceSearch(image, options)
    let spaces = try search.known().spaces
    #expect(search.kernelStart(of: spaces, spaces[0].space.scheme).value == 0xd000_0000)
  }
}

/// What a processor's registers led to, where that is no space.
@Suite struct ProcessorAttemptTests {
  private func found(cr0: UInt64, cr3: UInt64, cr4: UInt64 = 0x20, _ memory: TableMemory) throws
    -> FoundSpaces
  {
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = cr4 == 0x20 ? .x86_64 : .i386
    image.cpus = [CPUState(cr0: cr0, cr3: cr3, cr4: cr4, instructionPointer: 0)]
    return try SpaceSearch(image).known()
  }

  private var memory: TableMemory {
    var memory = TableMemory()
    for page in 0..<16 as Range<UInt64> { memory.addPage(page << 12) }
    // Bit 7 is reserved in a PML4E (SDM Vol. 3A, Table 4-15).
    memory.set(table: 0x2000, slot: 3, to: 0x3087)
    return memory
  }

  @Test func pagingThatIsOffIsSaid() throws {
    #expect(try found(cr0: 0x11, cr3: 0x1000, memory).attempts == ["cpu 0 has paging off"])
  }

  @Test func aRootThatIsRefusedIsNamedWithTheReason() throws {
    let outside = try found(cr0: 0x8000_0011, cr3: 0x40_0000, memory)
    #expect(outside.warnings == ["cpu 0: root 0x400000 is outside the dump"])
    let empty = try found(cr0: 0x8000_0011, cr3: 0x1000, memory)
    #expect(empty.warnings == ["cpu 0: root 0x1000 is not a table of x86-64 4-level: no entry is present"])
    let malformed = try found(cr0: 0x8000_0011, cr3: 0x2000, memory)
    #expect(
      malformed.warnings == [
        "cpu 0: root 0x2000 is not a table of x86-64 4-level: entry 3 is 0x3087, with reserved bits 0x80 set"
      ])
    #expect(malformed.attempts == malformed.warnings)
  }

  @Test func aRootThatNothingCanBeComparedWithIsSaid() throws {
    var kernel = SmallKernel(X86.paging4Level())
    let root = kernel.root()
    kernel.memory.map(0x40_0000, to: 0x70_0000, in: root, flags: 0x67)
    kernel.complete()
    var image = kernel.raw()
    image.machine = .x86_64
    image.cpus = [CPUState(cr0: 0x8000_0011, cr3: root.root.value, cr4: 0x20, instructionPointer: 0)]
    let found = try #require(try allSpaces(image))
    #expect(found.spaces.map(\.space.root) == [root.root])
    #expect(found.warnings.count == 1)
    #expect(found.warnings.first?.contains("--kernel-start VA") == true)
    #expect(found.warnings.first?.contains("--root NAME=PA") == true)
  }
}
