import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The map of a space")
struct MapTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  /// The lines of the picture that are on the screen.
  private static func lines(_ driver: ExplorerDriver) throws -> [SpaceMap.Line] {
    let map = try #require(driver.explorer.map)
    return map.visibleRows(driver.explorer.mapAreas.cells.height, driver.explorer.memory)
  }

  /// What the cell of an address says.
  private static func cell(_ driver: ExplorerDriver, _ address: UInt64) throws -> MapCell {
    let map = try #require(driver.explorer.map)
    let number = try #require(driver.explorer.mapSpaceNumber)
    let position = map.position(of: VirtualAddress(address))
    let row = map.rows.row(at: position)
    var contents = driver.explorer.mapContents(map, spaceNumber: number)
    let cells = driver.explorer.mapCells(map, spaceNumber: number, row: row, &contents)
    return cells[Int((position - row.lowerBound) >> UInt64(map.rows.shift))]
  }

  // MARK: What it shows

  @Test("Gaps are cut out, what everybody has is one line, and cells say what is there")
  mutating func signs() throws {
    try driver.press("V")
    let lines = try Self.lines(driver)
    #expect(lines.contains { $0.kind == .gap })
    let cuts = driver.lines.filter { $0.contains(".. kernel half, as everybody: 2 tables ..") }
    #expect(cuts.count == 1)
    #expect(cuts.first?.hasPrefix(" ffff8000_00000000") == true)
    // The frame of the page at 400000 is mapped by the kernel, too.
    #expect(try Self.cell(driver, 0x40_0000).sign == "~")
    try driver.press("G")
    while driver.explorer.map?.cutAtCursor == nil { try driver.press("k") }
    try driver.press("Enter")
    #expect(driver.explorer.map?.showsEverybodys == true)
    #expect(try Self.cell(driver, 0xffff_8000_0000_0000).sign == "k")
    #expect(try Self.cell(driver, SharingGuest.mirror).sign == "~")
  }

  @Test("Enter on the part that is cut out shows it, and Enter on the other one comes back")
  mutating func parts() throws {
    try driver.press("G Enter V")
    let own = driver.explorer.map?.cursor
    try driver.press("G Enter")
    #expect(driver.lines.contains { $0.contains(".. its own half ..") })
    try driver.press("g g Enter")
    #expect(driver.explorer.map?.showsEverybodys == false)
    #expect(driver.explorer.map?.cursor == own)
  }

  @Test("From a row of what everybody has it opens on that part")
  mutating func openingOnKernel() throws {
    try driver.press("G Enter g \"ffffc00000000000\" Enter V")
    #expect(driver.explorer.map?.showsEverybodys == true)
    #expect(driver.explorer.map.map { $0.address($0.cursor).value } == SharingGuest.mirror)
  }

  @Test(
    "At the first zoom all that a process of a sample has is on the screen, and fills it",
    arguments: ["linux-x86_64", "linux-i686"], [(80, 24), (120, 40), (200, 60)])
  func firstPicture(_ name: String, _ size: (Int, Int)) throws {
    let truth = try #require(GuestTruth.all.first { $0.name == name })
    let pages = try truth.pages()
    for root in try truth.roots() {
      let driver = try Self.driver(on: root, truth, size)
      let map = try #require(driver.explorer.map)
      let lines = try Self.lines(driver)
      let rows = lines.filter { $0.kind == .cells }
      for run in pages where run.pid == root.pid {
        for page in [run.va, run.va + (run.count - 1) << 12] {
          #expect(rows.contains { $0.stretch.contains(page) }, "\(root.name) \(Numbers.hex(page))")
          #expect(try Self.cell(driver, page).sign != ".")
        }
      }
      #expect(lines.filter { if case .cut = $0.kind { true } else { false } }.count == 1)
      // A scale twice as fine would not have fitted, unless a cell is a page already.
      let height = driver.explorer.mapAreas.cells.height
      #expect(map.cellLength == 4096 || lines.count > height / 2, "\(root.name): \(lines.count) lines")
    }
  }

  /// An explorer that shows the map of a process.
  private static func driver(
    on root: GuestTruth.Root, _ truth: GuestTruth, _ size: (Int, Int)
  ) throws -> ExplorerDriver {
    var driver = try SampleGuest.driver(truth.name, width: size.0, height: size.1)
    let addresses = truth.rootAddresses(of: root)
    let space = try #require(driver.explorer.tree.spaces.first { addresses.contains($0.root.value) })
    driver.explorer.go(
      to: RowID(space: space.id, kind: .space, level: -1, virtual: VirtualAddress(0)))
    try driver.press("V")
    return driver
  }

  @Test("Every line begins with an address, or says how much is left out")
  func addresses() throws {
    let truth = try #require(GuestTruth.all.first)
    let root = try #require(try truth.roots().last)
    let driver = try Self.driver(on: root, truth, (80, 24))
    for (number, line) in try Self.lines(driver).enumerated() {
      let text = driver.lines[driver.explorer.mapAreas.cells.y + number]
      let map = try #require(driver.explorer.map)
      let address = Numbers.grouped(map.address(line.stretch.lowerBound), in: map.space.scheme)
      #expect(line.kind == .gap ? text.contains(" unmapped ..") : text.hasPrefix(" " + address), "\(text)")
    }
  }

  // MARK: Names

  @Test(
    "Regions begin rows of their own, with their names; a letter tells the kind, and which of it is absent")
  func named() throws {
    var driver = NamedGuest.driver(width: 80, height: 24)
    try driver.press("/ \"shell\" Enter V")
    func line(_ address: String) throws -> [Substring] {
      try #require(driver.lines.first { $0.hasPrefix(" \(address)") }).split(separator: " ")
    }
    #expect(try line("00000000_00400000").dropFirst() == ["aaaa", "anonymous", "r-xp"])
    #expect(try line("00000000_00600000").dropFirst() == ["hh?-----", "[heap]", "rw-p"])
    #expect(try line("00000000_7f000000").dropFirst() == ["---------------s", "[stack]", "rw-p"])
    #expect(driver.screen.contains("h heap"))
    #expect(!driver.screen.contains("v vmalloc"))
  }

  // MARK: Moving

  @Test("Zooming in keeps to what the cursor showed, down to single pages; Enter goes there")
  mutating func zooming() throws {
    try driver.press("g \"409000\" Enter V - - + + + + + + + + + + + +")
    #expect(driver.explorer.map?.cellLength == 4096)
    #expect(driver.lines[1].contains("00000000_00400000"))
    try driver.press("Right Right Right Enter")
    #expect(driver.row?.virtual == VirtualAddress(0x40_3000))
  }

  @Test("Moving down skips what is not mapped and ends at the last row; left and right go on from row to row")
  mutating func moving() throws {
    try driver.press("V g g")
    func row() throws -> Range<UInt64> {
      let map = try #require(driver.explorer.map)
      return map.rows.row(at: map.cursor)
    }
    var rows = [try row()]
    while true {
      try driver.press("j")
      let next = try row()
      if next == rows.last { break }
      #expect(next.lowerBound >= rows[rows.count - 1].upperBound)
      rows.append(next)
    }
    try driver.press("G")
    #expect(try row() == rows.last)
    for expected in rows.dropLast().reversed() {
      try driver.press("k")
      #expect(try row() == expected)
    }
    let cells = try #require(driver.explorer.map?.rows.cells(in: rows[0]))
    try driver.press("g g")
    for _ in 0..<cells { try driver.press("l") }
    #expect(driver.explorer.map?.cursor == rows[1].lowerBound)
    try driver.press("h")
    #expect(driver.explorer.map.map { $0.rows.cell(at: $0.cursor).upperBound } == rows[0].upperBound)
  }

  @Test("A scale that a person chose stays when the screen changes; the fitted one follows")
  mutating func resizing() throws {
    try driver.press("V")
    let fitted = driver.explorer.map?.cellLength
    driver.send(.input(.resize(width: 80, height: 16)))
    #expect(driver.explorer.map?.cellLength ?? 0 > fitted ?? 0)
    try driver.press("+")
    let chosen = driver.explorer.map?.cellLength
    driver.send(.input(.resize(width: 80, height: 30)))
    #expect(driver.explorer.map?.cellLength == chosen)
  }

  @Test(
    "Rows follow each other without a hole, whatever the scale, regions and cuts are",
    arguments: [12, 17, 26, 38])
  func rows(_ shift: Int) {
    var random = SeededRandom(seed: 7)
    for _ in 0..<20 {
      var start: UInt64 = 0
      var regions: [(start: UInt64, last: UInt64)] = []
      for _ in 0..<50 {
        start += UInt64.random(in: 0..<64, using: &random) << 12
        let last = start + UInt64.random(in: 1..<2000, using: &random) << 12 - 1
        regions.append((start, last))
        start = last + 1
      }
      let cut = MapRows.Cut(start: 1 << 39, end: 1 << 40)
      let rows = MapRows(shift: shift, rowBits: 5, cuts: [cut], regions: regions)
      var position: UInt64 = 0
      for _ in 0..<400 {
        let row = rows.row(at: position)
        #expect(row.lowerBound == position && row.upperBound > position)
        #expect(rows.row(at: row.upperBound - 1) == row)
        #expect(rows.cut(at: position) != nil || rows.cells(in: row) <= 32)
        position = row.upperBound
      }
    }
  }
}
