import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The address that was gone to, inside of a page")
struct LandingTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  /// The small guest has the 2 MiB page c00000 at the frame 600000.
  private mutating func go() throws { try driver.press("g \"c1aa40\" Enter") }

  @Test("d shows the frame and the bytes in it")
  mutating func frame() throws {
    try go()
    try driver.press("d")
    #expect(driver.explorer.frame?.address.value == 0x61_a000)
    // A page of which the dump holds the bytes.
    driver = NamedGuest.driver(width: 120, height: 40)
    try driver.press("/ \"shell\" Enter g \"7f00fa43\" Enter d")
    #expect(driver.lines[4].hasPrefix("  a40  "), "\(driver.lines[4])")
  }

  @Test("x asks who maps that byte, and Enter there leads to it again")
  mutating func aliases() throws {
    try go()
    try driver.press("x")
    #expect(driver.lines[1].contains("who maps 0x61aa40:"))
    try driver.press("Enter y v")
    #expect(driver.work == [.copy("0xc1aa40")])
  }

  @Test("y copies it", arguments: [("v", "0xc1aa40"), ("p", "0x61aa40")])
  mutating func copying(_ key: String, _ text: String) throws {
    try go()
    try driver.press("y \(key)")
    #expect(driver.work == [.copy(text)])
  }

  @Test("A physical address is kept to the byte, too")
  mutating func physical() throws {
    try driver.press("g \"p:61aa40\" Enter")
    driver.send(.physicalFound(request: 1, VirtualAddress(0xc1_aa40)))
    try driver.press("y p")
    #expect(driver.work == [.copy("0x61aa40")])
  }

  @Test("The detail says where it is, and distances count from it")
  mutating func detail() throws {
    try go()
    #expect(driver.detail.contains("address  00000000_00c1aa40"))
    #expect(driver.detail.contains("is at    0x61aa40"))
    try driver.press("g \"+10\" Enter")
    #expect(driver.detail.contains("address  00000000_00c1aa50"))
  }

  @Test("It is forgotten when the selection moves, even if it comes back", arguments: ["u j", "k j", "j k"])
  mutating func moving(_ keys: String) throws {
    try driver.press("g \"c00000\" Enter")
    let row = driver.row
    try go()
    try driver.press(keys)
    if keys == "u j" { try driver.press("g \"c00000\" Enter") }
    #expect(driver.row?.virtual == row?.virtual && driver.row?.level == row?.level)
    try driver.press("y v")
    #expect(driver.work == [.copy("0xc00000")])
  }

  @Test("It stays when the spaces are listed anew")
  mutating func listedAnew() throws {
    try go()
    driver.find(SmallGuest.spaces.reversed())
    try driver.press("y v")
    #expect(driver.work == [.copy("0xc1aa40")])
  }

  @Test("The symbol is that of the address")
  mutating func symbol() throws {
    driver = NamedGuest.driver(width: 120, height: 40)
    try driver.press("g \"caller_of_areas+10\" Enter")
    #expect(driver.detail.contains("symbol   caller_of_areas+0x10"))
  }
}
