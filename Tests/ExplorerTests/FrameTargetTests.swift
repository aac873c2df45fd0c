import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("x and d, wherever something is selected")
struct FrameTargetTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  @Test(
    "x and d of a list's row are about its frame or table",
    arguments: [
      ("M", "200000"), ("M f \"frame:300000\" Enter", "300000"),
      ("F f \"writable-exec space:init va:400\" Enter", "200000"),
    ])
  mutating func lists(_ keys: String, _ frame: String) throws {
    try driver.press(keys + " x")
    #expect(driver.screenID == .aliases)
    #expect(driver.lines[1].contains("who maps 0x\(frame):"))
    driver = SharingGuest.driver(width: 120, height: 40)
    try driver.press(keys + " d")
    #expect(driver.explorer.frame?.address.value == UInt64(frame, radix: 16))
  }

  @Test("d of a shared sub-table shows the table")
  mutating func table() throws {
    try driver.press("S f \"space:shell va:ffffc\" Enter d")
    let entry = SharingGuest.memory.entry(table: SmallGuest.firstRoot, slot: 384) ?? 0
    #expect(driver.explorer.frame?.address.value == entry & 0xF_FFFF_FFFF_F000)
  }

  @Test("A mirror made here is a frame, too")
  mutating func overlay() throws {
    try driver.press("g \"402000\" Enter")
    driver.run("mirror")
    try driver.press("g \"404000\" Enter")
    driver.run("mirror")
    driver.run("unmirror")
    #expect(driver.screenID == .overlays)
    try driver.press("j d")
    #expect(driver.explorer.frame?.address.value == 0x20_4000)
  }

  @Test("In the pictures they are about what the cursor stands on")
  mutating func pictures() throws {
    try driver.press("g \"400000\" Enter V + + + + + + + + + + + + l l l x")
    #expect(driver.lines[1].contains("who maps 0x203000:"))
    try driver.press("Esc Esc g \"c00000\" Enter V + + + + + + + + + + + + l l l l l d")
    #expect(driver.explorer.frame?.address.value == 0x60_5000, "a cell in the middle of a huge page")
  }

  @Test(
    "Where there is no frame, both say why",
    arguments: [
      ("F f \"malformed\" Enter", "malformed entry points at nothing"),
      ("M f \"nothing\" Enter", "no row is selected"),
      ("g \"400000\" Enter V + + + + + + + + + + + + l l l l l l l l l l l l", "nothing is mapped here"),
    ], ["x", "d"])
  mutating func reasons(_ view: (keys: String, reason: String), _ key: String) throws {
    try driver.press(view.keys)
    let screen = driver.screenID
    try driver.press(key)
    #expect(driver.work == [.bell])
    #expect(driver.status.contains(view.reason), "\(driver.status)")
    #expect(driver.screenID == screen)
  }

  @Test("Lists that wait for the index say that they do")
  mutating func waiting() throws {
    driver.indexesAtOnce = false
    driver.find([SmallGuest.spaces[0]])
    try driver.press("M x")
    #expect(driver.status.contains("being indexed"))
  }
}
