import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What is kept of a dump, and keys that a person binds")
struct KeepsakesTests {
  @Test("Bookmarks and the last place come back in another run, through lines of text")
  func restored() throws {
    var first = SharingGuest.driver()
    try first.press("g \"400000\" Enter m b g \"c00000\" Enter")
    let place = first.path
    let kept = Keepsakes(lines: first.explorer.keepsakes.lines.map { Substring($0) })
    #expect(kept == first.explorer.keepsakes)
    var second = SharingGuest.driver()
    second.explorer.restore(kept)
    #expect(second.path == place)
    try second.press("' b")
    #expect(second.path == "init 1 > PML4[0] > PDPT[0] > PD[2] > PT[0]")
  }

  @Test(
    "Lines that say nothing are passed over",
    arguments: [
      "", "place", "place 1 2 3", "bookmark a b c d e f", "place zz 0 1 0 0", "place 1000 0 9 0 0",
      "place 1000 0 1 99 0", "bookmark ab 1000 0 1 0 0",
    ])
  func nonsense(_ line: String) {
    #expect(Keepsakes(lines: [Substring(line)]) == Keepsakes())
  }

  @Test("A place in a space that is not there changes nothing")
  func foreign() throws {
    var driver = SharingGuest.driver()
    let path = driver.path
    driver.explorer.restore(Keepsakes(lines: ["place 0xabc000 0 1 0 0x400000"]))
    #expect(driver.path == path)
  }

  @Test("A key that is bound does its command, alone and as a sequence, and the footer names it")
  mutating func bind() throws {
    var driver = SharingGuest.driver(width: 200)
    driver.run("bind Ctrl-t mirrors")
    driver.run("bind z,s spaces")
    #expect(driver.lines.last?.contains("Ctrl-t mirrors") == true)
    try driver.press("Ctrl-t")
    #expect(driver.screenID == .mirrors)
    try driver.press("Esc z s")
    #expect(driver.screenID == .spaces)
  }

  @Test(
    "What cannot be bound says so",
    arguments: [
      "bind", "bind Ctrl-t", "bind Foo spaces", "bind a,b,c spaces", "bind g,s spaces", "bind Ctrl-t nope",
    ])
  func wrong(_ line: String) {
    var driver = SharingGuest.driver()
    driver.run(line)
    #expect(driver.explorer.problem != nil)
  }
}
