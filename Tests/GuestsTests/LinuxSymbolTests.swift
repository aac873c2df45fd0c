import PageTables
import TestSupport
import Testing

@testable import Guests

@Suite struct LinuxSymbolTests {
  private static let text = LinuxMemory.image + 0x10_0000

  private func table(_ symbols: [(String, Character, UInt64)]) -> (LinuxMemory, KallsymsAddresses?) {
    var memory = LinuxMemory()
    let writer = SymbolWriter(symbols: symbols.map { (name: $0.0, kind: $0.1, address: $0.2) })
    let lines = writer.write(to: &memory, at: LinuxMemory.image + 0x20_0000)
    return (memory, Vmcoreinfo(Array(lines.utf8)).flatMap { KallsymsAddresses($0) })
  }

  private func read(_ memory: LinuxMemory, _ place: KallsymsAddresses) -> KernelSymbols? {
    var symbols = Kallsyms(place, GuestMemoryReader(memory.space, memory.memory))?.symbols()
    symbols?.finish()
    return symbols
  }

  @Test func namesAndAddressesAreDecoded() throws {
    let (memory, place) = table([
      ("cpu_offset", "A", 0x1000), ("_text", "T", Self.text), ("start", "t", Self.text + 0x40),
      ("start", "t", Self.text + 0x80), ("_end", "B", Self.text + 0x1000),
    ])
    let symbols = try #require(place.flatMap { read(memory, $0) })
    #expect(symbols.count == 5)
    #expect(symbols.address(of: "_text") == Self.text)
    #expect(symbols.address(of: "cpu_offset") == 0x1000)
    #expect(symbols.addresses(of: "start") == [Self.text + 0x40, Self.text + 0x80])
    #expect(symbols.address(of: "star") == nil)
    #expect(symbols.symbol(at: 2).kind == "t")
  }

  @Test func anAddressIsNamedByTheSymbolThatCoversIt() throws {
    let (memory, place) = table([
      ("percpu", "A", 0x1000), ("_text", "T", Self.text), ("alias", "T", Self.text),
      ("next", "T", Self.text + 0x40), ("_end", "B", Self.text + 0x1000),
    ])
    let symbols = try #require(place.flatMap { read(memory, $0) })
    #expect(symbols.describe(Self.text + 0x1f) == "_text+0x1f/0x40")
    #expect(symbols.describe(Self.text + 0x40) == "next+0x0/0xfc0")
    #expect(symbols.describe(Self.text + 0x1001) == nil, "behind the image lies no symbol")
    #expect(symbols.describe(Self.text - 1) == nil, "a per-CPU offset covers nothing so far away")
    #expect(symbols.describe(0xfff) == nil)
  }

  @Test func namesThatRepeatByTheHundredHideNoOthers() throws {
    let copies = (0..<700).map { (".LC0", Character("r"), Self.text + UInt64($0) * 8) }
    let others = (0..<2_000).map { ("name\($0)", Character("t"), Self.text + 0x10_000 + UInt64($0) * 8) }
    let (memory, place) = table(copies + others)
    let symbols = try #require(place.flatMap { read(memory, $0) })
    #expect(symbols.addresses(of: ".LC0") == copies.map(\.2))
    for other in others { #expect(symbols.addresses(of: other.0) == [other.2]) }
  }

  @Test func aRowOfManyTokensHasTwoBytesOfLength() throws {
    let long = String(repeating: "x", count: 300)
    let (memory, place) = table([
      ("_text", "T", Self.text), (long, "t", Self.text + 8), ("last", "t", Self.text + 16),
    ])
    let symbols = try #require(place.flatMap { read(memory, $0) })
    #expect(symbols.address(of: long) == Self.text + 8)
    #expect(symbols.address(of: "last") == Self.text + 16)
  }

  @Test func aModulesSymbolsEndWithIt() {
    var symbols = KernelSymbols()
    symbols.append(address: 0x100, kind: UInt8(ascii: "T"), name: Array("kernel".utf8))
    let module = symbols.addModule("snd", ends: [0x3000])
    symbols.append(address: 0x2000, kind: UInt8(ascii: "t"), name: Array("play".utf8), module: module)
    symbols.append(address: 0x9000, kind: UInt8(ascii: "t"), name: Array("later".utf8))
    symbols.finish()
    #expect(symbols.describe(0x2010) == "play+0x10/0x1000 [snd]")
    #expect(symbols.describe(0x3000) == nil)
  }

  @Test func oneNameManyTimesIsIndexed() {
    var symbols = KernelSymbols()
    for address in 0..<20_000 {
      symbols.append(address: UInt64(address), kind: 0x74, name: Array("same".utf8))
    }
    symbols.finish()
    #expect(symbols.address(of: "same") == 0)
    #expect(symbols.addresses(of: "same") == (0..<20_000).map { UInt64($0) })
  }

  @Test func aTableThatLiesIsNone() throws {
    let (good, place) = table((0..<600).map { ("f\($0)", "t", Self.text + UInt64($0 * 16)) })
    let address = try #require(place)
    for count in [0, 601, 0xffff_ffff] as [UInt64] {
      var memory = good
      memory.put(count, at: address.count, size: 4)
      // One more than there is: markers follow the names, which are no name.
      if count != 601 { #expect(read(memory, address) == nil) } else { _ = read(memory, address) }
    }
    var memory = good
    memory.put(0xffff, at: address.tokenIndex + 100, size: 2)
    #expect(read(memory, address) == nil, "a token outside of its table")
  }

  @Test func namesOutOfStepAreNotRead() throws {
    let (good, place) = table((0..<600).map { ("f\($0)", "t", Self.text + UInt64($0 * 16)) })
    let address = try #require(place)
    var memory = good
    // One length is off by one: the 256 names up to the next marker are lost, and no others.
    memory.put([4], at: address.names)
    let symbols = try #require(read(memory, address))
    let names = (0..<symbols.count).map { symbols.symbol(at: $0).name }
    #expect(names == (256..<600).map { "f\($0)" })
    #expect(symbols.place(of: Self.text + 16) == nil)
  }

  @Test func theTableIsFoundByItsShape() throws {
    let (memory, place) = table(
      (0..<1500).map { ("function_\($0)", "t", LinuxMemory.image + UInt64($0 * 16)) })
    var filled = memory
    for page in stride(from: 0, to: LinuxMemory.imageSize, by: 0x1000) {
      filled.memory.addPage(LinuxMemory.imageStart + page)
    }
    let reader = GuestMemoryReader(filled.space, filled.memory)
    let search = KallsymsSearch(reader: reader, image: KernelImage(reader, start: nil))
    #expect(search.run() == place)
  }

  /// Since 7.0 each address stands as its distance from its own place, and no base is told.
  @Test func addressesMayBeDistancesFromTheirOwnPlaces() throws {
    let symbols = (0..<1501).map {
      (name: "function_\($0)", kind: Character("t"), address: LinuxMemory.image + UInt64($0 * 16))
    }
    var memory = LinuxMemory()
    let lines = SymbolWriter(symbols: symbols).writeSelfRelative(
      to: &memory, at: LinuxMemory.image + 0x20_0004)
    let place = try #require(Vmcoreinfo(Array(lines.utf8)).flatMap { KallsymsAddresses($0) })
    let found = try #require(read(memory, place))
    #expect(found.count == 1501)
    for symbol in symbols { #expect(found.addresses(of: symbol.name) == [symbol.address]) }
    for page in stride(from: 0, to: LinuxMemory.imageSize, by: 0x1000) {
      memory.memory.addPage(LinuxMemory.imageStart + page)
    }
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KallsymsSearch(reader: reader, image: KernelImage(reader, start: nil)).run() == place)
  }

  /// Names of one letter everywhere, and before each a count that may be theirs.
  @Test func aMemoryFullOfNamesIsGivenUp() {
    var memory = LinuxMemory()
    let table = LinuxMemory.image + 0x40_0000
    let pattern: [UInt8] = [1, 1, 1, 0]
    memory.put((0..<0x4_0000).map { pattern[$0 % 4] }, at: table - 0x4_0000)
    for token in 0..<256 {
      memory.put([0x74, 0], at: table + UInt64(token * 2))
      memory.put(UInt64(token * 2), at: table + 512 + UInt64(token * 2), size: 2)
    }
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KallsymsSearch(reader: reader, image: KernelImage(reader, start: nil)).run() == nil)
  }

  @Test func noiseHoldsNoTable() {
    var random = SeededRandom(seed: 3)
    var memory = LinuxMemory()
    memory.put((0..<0x4_0000).map { _ in UInt8.random(in: 0...255, using: &random) }, at: Self.text)
    let reader = GuestMemoryReader(memory.space, memory.memory)
    #expect(KallsymsSearch(reader: reader, image: KernelImage(reader, start: nil)).run() == nil)
  }
}
