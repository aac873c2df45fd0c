import PageTables
import TestSupport
import Testing

@testable import Guests

/// A symbol table of which a page is lost: the rest is kept, and what is lost is named by nothing.
@Suite struct LinuxDamagedSymbolTests {
  private static let start = LinuxMemory.image + 0x20_0000
  private static let text = LinuxMemory.image + 0x40_0000
  private static let count = 4000

  private let all: [String: UInt64]
  private let memory: LinuxMemory
  private let place: KallsymsAddresses

  init() throws {
    let named = (0..<LinuxDamagedSymbolTests.count).map { index in
      (
        name: "function_\(index)", kind: Character("t"),
        address: LinuxDamagedSymbolTests.text + UInt64(index * 16)
      )
    }
    var memory = LinuxMemory()
    let lines = SymbolWriter(symbols: named).write(to: &memory, at: LinuxDamagedSymbolTests.start)
    self.memory = memory
    all = Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0.address) })
    place = try #require(Vmcoreinfo(Array(lines.utf8)).flatMap { KallsymsAddresses($0) })
  }

  /// What is left when one page is overwritten by noise.
  private func read(noiseAt address: UInt64, seed: UInt64) -> KernelSymbols? {
    var memory = memory
    var random = SeededRandom(seed: seed)
    memory.put(
      (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }, at: address & ~0xfff)
    return read(memory)
  }

  private func read(_ memory: LinuxMemory) -> KernelSymbols? {
    var symbols = Kallsyms(place, GuestMemoryReader(memory.space, memory.memory))?.symbols()
    symbols?.finish()
    return symbols
  }

  /// Every name has its own address, every address its own name or none.
  private func expectTruth(_ symbols: KernelSymbols) {
    for index in 0..<symbols.count {
      let symbol = symbols.symbol(at: index)
      #expect(all[symbol.name] == symbol.address)
    }
    for (name, address) in all {
      for offset in [UInt64(0), 8] {
        if let place = symbols.place(of: address + offset) {
          #expect(place.name == name && place.offset == offset)
        }
      }
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func aPageOfNamesTakesOnlyItsBlocks(_ seed: UInt64) throws {
    let symbols = try #require(read(noiseAt: place.names + 0x4000, seed: seed))
    expectTruth(symbols)
    // A page holds less than 400 such names, and they lie in no more than three blocks of 256.
    #expect(symbols.count >= LinuxDamagedSymbolTests.count - 3 * 256)
    #expect(symbols.count < LinuxDamagedSymbolTests.count)
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func aPageOfAddressesTakesOnlyItsSymbols(_ seed: UInt64) throws {
    let symbols = try #require(read(noiseAt: LinuxDamagedSymbolTests.start + 0x1000, seed: seed))
    expectTruth(symbols)
    #expect(symbols.count >= LinuxDamagedSymbolTests.count - 1024 - 2)
    #expect(symbols.count < LinuxDamagedSymbolTests.count)
  }

  @Test func aPageThatTheDumpLacksIsLikeNoise() throws {
    var memory = memory
    memory.memory.removePage(LinuxMemory.physical(place.names + 0x4000))
    memory.memory.removePage(LinuxMemory.physical(LinuxDamagedSymbolTests.start + 0x1000))
    let symbols = try #require(read(memory))
    expectTruth(symbols)
    #expect(symbols.count >= LinuxDamagedSymbolTests.count - 3 * 256 - 1024 - 2)
  }

  @Test func withoutTheTokensNothingIsRead() {
    #expect(read(noiseAt: place.tokenTable, seed: 9)?.count ?? 0 == 0)
  }

  @Test func addressesThatContradictVmcoreinfoAreRefused() throws {
    var system = LinuxSystem.usual
    let base = LinuxSystem.symbols + 9 * 4 + 4
    system.memory.put(LinuxMemory.image + 0x1_0000, at: base)
    #expect(try #require(system.guest).symbols == nil)
  }
}
