import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The explorer on a real guest")
struct SampleTests {
  /// The guest's pagemap against what the explorer says when it is sent to the same address.
  @Test(
    "Going to a page that the guest says it has ends at the frame that it says",
    arguments: ["linux-x86_64", "linux-i686"])
  func pages(_ name: String) throws {
    let guest = try #require(GuestTruth.all.first { $0.name == name })
    let roots = try guest.roots()
    var driver = try SampleGuest.driver(name)
    for root in roots.prefix(6) {
      let pages = try guest.pages().filter { $0.pid == root.pid && $0.pfn != 0 && $0.flags.contains("P") }
      let space = "0x" + String(guest.rootAddresses(of: root).first ?? 0, radix: 16)
      try driver.press("s f Ctrl-u \"\(space)\" Enter Enter")
      #expect(driver.row?.address == PhysicalAddress(guest.rootAddresses(of: root).first ?? 0))
      for page in pages.prefix(20) {
        driver.run("goto \(String(page.va + 0x123, radix: 16))")
        #expect(
          driver.status.hasSuffix("is at 0x\(String(page.pfn << 12 + 0x123, radix: 16))")
            || driver.status.contains("is at 0x\(String(page.pfn << 12 + 0x123, radix: 16)),"), "\(root.name)"
        )
        #expect(driver.row?.entryKind == .leaf)
      }
    }
  }

  @Test("Every process of the guest is listed under its root")
  func spaces() throws {
    let guest = try #require(GuestTruth.all.first { $0.name == "linux-x86_64" })
    let driver = try SampleGuest.driver(guest.name)
    let listed = Set(driver.explorer.tree.spaces.map(\.root.value))
    for root in try guest.roots() {
      #expect(listed.isSuperset(of: guest.rootAddresses(of: root)), "\(root.name)")
    }
  }

  @Test("Opening whatever is there, row after row, ends at leaves and reads nothing that is not there")
  func openingEverything() throws {
    var driver = try SampleGuest.driver("linux-x86_64", width: 60, height: 10)
    for _ in 0..<2000 { driver.press(.enter); driver.press(.down) }
    #expect(driver.explorer.tree.rows.count > 500)
    #expect(driver.explorer.tree.rows.contains { $0.entryKind == .leaf })
  }
}
