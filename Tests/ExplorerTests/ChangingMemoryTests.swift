import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Memory that is written while the explorer reads it")
struct ChangingMemoryTests {
  private static let views = [
    "Enter j Enter j j Enter Enter j Enter x Esc d Esc Home", "S j x Esc d", "M j Enter", "s j x",
    "C l l j x Enter",
    "V + + l Enter", "g \"400000\" Enter x Space Space d", "f \"w\" Enter G Enter", ":findings\nj Enter r",
    "a G Home z", "/ \"1\" Enter n N", "g \"p:200000\" Enter",
  ]

  @Test("Every view stays inside what it has", arguments: 0..<3 as Range<UInt64>)
  func views(seed: UInt64) throws {
    let pages = (0..<0x20).map { SmallGuest.firstRoot + $0 << 12 }
    let memory = ChangingMemory(over: SmallGuest.memory, pages: pages, seed: seed)
    var driver = ExplorerDriver(memory: memory, spaces: SmallGuest.spaces, width: 120, height: 40)
    for round in 0..<3 {
      for keys in Self.views {
        try driver.press(keys)
        #expect(driver.lines.count == 40, "\(keys), round \(round)")
        _ = driver.detail
        try driver.press("Esc Esc Esc")
      }
      driver.find(round == 1 ? SmallGuest.spaces.reversed() : SmallGuest.spaces)
    }
  }

  @Test("An index of it holds together", arguments: RandomTables.schemes, 0..<2 as Range<UInt64>)
  func index(scheme: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let memory = ChangingMemory(over: tables.memory, pages: tables.tables, seed: seed)
    let spaces = tables.spaces.map { FoundSpace(space: $0, origin: .scan) }
    let index = try #require(ExplorerIndex(tables.spaces, memory: memory))
    #expect(index.references.allSatisfy { spaces.indices.contains($0.spaceNumber) })
    var driver = ExplorerDriver(memory: memory, spaces: spaces, width: 120, height: 40)
    for keys in ["Enter j Enter j Enter x", "S", "M", "C j l", "V l l Enter", ":findings", "s x"] {
      try driver.press(keys.hasPrefix(":") ? keys + "\nj Enter" : keys)
      #expect(driver.lines.count == 40)
      try driver.press("Esc Esc")
    }
  }
}
