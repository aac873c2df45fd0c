import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What the list of spaces says of each")
struct SpacesListTests {
  /// The cells of a row of the list, by the names of its columns.
  private func cells(_ driver: ExplorerDriver, _ label: String) throws -> [String: String] {
    let list = driver.explorer.list(.spaces)
    let row = try #require(driver.explorer.tree.spaces.firstIndex { $0.label == label })
    return Dictionary(uniqueKeysWithValues: list.content.columns.map { ($0.name, $0.shown(row)) })
  }

  private func labels(_ driver: ExplorerDriver) -> [String] {
    driver.explorer.list(.spaces).order.map { driver.explorer.tree.spaces[$0].label }
  }

  @Test("A process's row says what its pagemap says, in short")
  func processes() throws {
    var driver = try SampleGuest.driver("linux-x86_64", width: 160)
    try driver.press("s")
    let guest = try #require(GuestTruth.all.first { $0.name == "linux-x86_64" })
    for root in try guest.roots().filter({ $0.name != "one_space_b" }) {
      let pages = try guest.pages().filter { $0.pid == root.pid }
      let swapped = pages.filter { $0.flags.contains("S") }.reduce(0) { $0 + $1.count }
      let cells = try cells(driver, "\(root.name) \(root.pid)")
      #expect(cells["swapped"] == (swapped == 0 ? "0" : "\(swapped * 4)K"), "\(root.name)")
      // PROT_NONE keeps pages from the processor; the kernel does not report the device's.
      guard !["protect", "device"].contains(root.name) else { continue }
      let frames = Set(
        pages.filter { $0.flags.contains("P") }.flatMap { run in (0..<run.count).map { run.pfn + $0 } })
      #expect(cells["resident"] == ByteText.rounded(UInt64(frames.count) * 4096), "\(root.name)")
    }
  }

  @Test("Sorted by a size, the largest comes first; the same column again turns it round")
  func sorting() throws {
    var driver = try SampleGuest.driver("linux-x86_64", width: 160)
    try driver.press("s")
    driver.run("sort swapped")
    #expect(labels(driver).first == "swap 108")
    driver.run("sort resident")
    #expect(labels(driver).prefix(2).sorted() == ["hugetlb_a 98", "hugetlb_b 99"])
    driver.run("sort resident")
    #expect(labels(driver).last?.hasPrefix("hugetlb") == true)
    driver.run("sort own")
    #expect(driver.screen.contains("own tables v"))
    // Single pages far apart need the most tables.
    #expect(labels(driver).first == "far 104")
  }

  @Test("Under isolation a process is told once, with the numbers that it has without")
  func copies() throws {
    var driver = try SampleGuest.driver("linux-x86_64-pti", width: 160)
    try driver.press("s")
    let process = try cells(driver, "swap 108")
    #expect(process["swapped"] == "32K")
    let copy = try cells(driver, "swap user 108")
    for column in ["resident", "proportional", "swapped", "own", "shared"] {
      #expect(process[column] != "" && copy[column] == "", "\(column)")
    }
    driver.run("sort proportional")
    #expect(!labels(driver).prefix(10).contains { $0.contains(" user ") })
  }

  @Test("Until all are indexed, it says what is known; then the rest, in the order that was asked for")
  func waiting() throws {
    var driver = SharingGuest.driverBeforeSpaces()
    driver.find(SmallGuest.spaces)
    try driver.press("s")
    let names = { (driver: ExplorerDriver) in driver.explorer.list(.spaces).content.columns.map(\.name) }
    #expect(names(driver) == ["name", "pid", "root", "found"])
    driver.run("sort root")
    let order = labels(driver)
    let index = try #require(ExplorerIndex(SmallGuest.spaces.map(\.space), memory: SharingGuest.memory))
    driver.send(.indexed(request: 1, index))
    #expect(names(driver).contains("resident") && names(driver).contains("own"))
    #expect(labels(driver) == order)
    driver.run("sort resident")
    let sorted = labels(driver)
    // Other spaces drop the index; the same ones bring it back.
    driver.find(SmallGuest.spaces.reversed())
    #expect(!names(driver).contains("resident"))
    driver.find(SmallGuest.spaces)
    driver.send(.indexed(request: driver.explorer.indexing.number, index))
    #expect(labels(driver) == sorted)
  }

  @Test("What is the same for all has no column")
  func constants() throws {
    var driver = try SampleGuest.driver("linux-x86_64", width: 160)
    try driver.press("s")
    let names = driver.explorer.list(.spaces).content.columns.map(\.name)
    #expect(!names.contains("scheme") && names.contains("found") && names.contains("root"))
  }
}
