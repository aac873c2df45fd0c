import Testing

@testable import Explorer
@testable import PageTables

@Suite("The list of findings: a row a kind, which opens to its runs")
struct FindingListTests {
  private var driver = ExplorerDriver(width: 120)

  /// The rows on the screen that say something.
  private var rows: [String] {
    driver.lines.dropFirst(4).dropLast(2).map(String.init).filter { !$0.allSatisfy { $0 == " " } }
  }

  /// Where the selected run begins.
  private var selected: UInt64? {
    let list = driver.explorer.list(.findings)
    guard let row = list.selectedRow, let index = driver.explorer.index else { return nil }
    return index.findings[index.findingRuns.all[row].findings.lowerBound].virtual.value
  }

  @Test("One row a kind, the most serious first, with how many runs it has and what it means")
  mutating func kinds() throws {
    try driver.press("F")
    #expect(rows.count == 3, "\(driver.screen)")
    for (row, words) in zip(
      rows,
      [["writable-executable", "12 runs", "run"], ["malformed-entry", "1 run,"], ["table-outside-dump"]])
    {
      #expect(words.allSatisfy(row.contains), "\(row)")
    }
    #expect(driver.lines[1].contains("16 runs of 3 kinds"))
  }

  @Test("Right opens a kind and goes into it; Left goes back to its row, and closes it; Space does either")
  mutating func treeKeys() throws {
    for (right, left) in [("Right", "Left"), ("l", "h"), ("z o", "z c")] {
      try driver.press(":findings\ng g \(right)")
      #expect(rows.count == 15, "\(driver.screen)")
      try driver.press("\(right) j")
      #expect(driver.explorer.list(.findings).selectedRow == 1)
      try driver.press(left)
      #expect(driver.explorer.list(.findings).selectedFold == 0)
      #expect(rows.count == 15)
      try driver.press(left)
      #expect(rows.count == 3)
      try driver.press(left)
      #expect(driver.work == [.bell] && driver.status == "nothing is open here")
      try driver.press("Esc")
    }
    try driver.press("F Space")
    #expect(rows.count == 15)
    try driver.press("Space")
    #expect(rows.count == 3)
  }

  @Test("On a run, the keys that open say that Enter goes there; Tab says that it does nothing")
  mutating func keysOnRun() throws {
    try driver.press("F Right j Right")
    #expect(driver.screenID == .findings && driver.status.contains("Enter goes"))
    try driver.press("Space")
    #expect(driver.screenID == .findings && driver.work == [.bell])
    try driver.press("Tab")
    #expect(driver.screenID == .findings && driver.status.contains("does nothing here"))
  }

  @Test(
    "A search that is given up closes what it opened, and what was open before stays so", arguments: [0, 1])
  mutating func givenUp(_ opened: Int) throws {
    try driver.press("F" + (opened == 1 ? " G Enter" : ""))
    let before = rows
    try driver.press("/ \"malformed\"")
    #expect(rows.count == before.count + 1)
    try driver.press("Backspace")
    #expect(rows.count == before.count + 1)
    try driver.press("Esc")
    #expect(rows == before)
  }

  @Test("Enter opens a kind and closes it again; Enter on a run goes there, and Backspace comes back")
  mutating func opening() throws {
    try driver.press("F j Enter")
    #expect(rows.count == 4)
    try driver.press("Enter")
    #expect(rows.count == 3)
    try driver.press("Enter j")
    #expect(selected == 0x80_0000)
    try driver.press("Enter")
    #expect(driver.screenID == .tree)
    #expect(driver.row?.virtual.value == 0x80_0000)
    try driver.press("F")
    #expect(rows.count == 4, "it is as it was left")
  }

  @Test("On the row of a kind, what is about one page says why it does nothing", arguments: ["x", "d"])
  mutating func kindIsNoPage(_ key: String) throws {
    try driver.press("F \(key)")
    #expect(driver.screenID == .findings)
    #expect(driver.work == [.bell])
    try driver.press("Enter j \(key)")
    #expect(driver.screenID != .findings)
  }

  @Test("A search finds what a closed kind holds, and opens that kind alone")
  mutating func searching() throws {
    try driver.press("F / \"malformed\" Enter")
    #expect(selected == 0x80_0000)
    #expect(rows.count == 4)
    try driver.press("n")
    #expect(selected == 0x80_0000, "it is the only one")
    try driver.press("/ \"500000\" Enter")
    #expect(selected == 0x50_0000)
  }

  @Test("A filter shows the runs that pass, whatever is open; without it, kinds are as they were")
  mutating func filtering() throws {
    try driver.press("F f \"kind:outside\" Enter")
    #expect(rows.count == 3 && rows.allSatisfy { $0.contains("table-outside-dump") })
    try driver.press("f Ctrl-u Enter")
    #expect(rows.count == 3 && rows[0].contains("writable-executable") && rows[0].contains("12 runs"))
  }

  @Test("Sorting sorts the runs of each kind, and the kinds by what comes first in them")
  mutating func sorting() throws {
    try driver.press("F Enter G Enter\n:sort length")
    let list = driver.explorer.list(.findings)
    let runs = try #require(driver.explorer.index).findingRuns
    #expect(list.fold(at: 0) == 2, "a terabyte")
    #expect(list.shown.indices.compactMap { list.fold(at: $0) } == [2, 0, 1])
    let first = list.shown[1...3].map { runs.all[Int($0)].length }
    #expect(first == [1 << 40, 2 << 30, 4 << 20])
    let second = list.shown[5...16].map { runs.all[Int($0)].length }
    #expect(second == second.sorted(by: >))
  }

  /// A finding of a page or more; other values say nothing here.
  private func finding(
    _ kind: Finding.Kind, _ space: Int, _ virtual: UInt64, _ length: UInt64, _ rights: Rights
  )
    -> Finding
  {
    Finding(
      kind: kind, spaceNumber: space, virtual: VirtualAddress(virtual), length: length, spaces: 1,
      table: TableReference(address: PhysicalAddress(0x1000), level: 3), slot: 0, raw: 0, rights: rights,
      window: 0)
  }

  @Test("Neighbours in one space are one run, whatever their rights; other spaces, kinds and gaps part them")
  func joining() {
    let runs = FindingRuns([
      finding(.writableExecutable, 0, 0x1000, 0x2000, .all),
      finding(.writableExecutable, 0, 0x3000, 0x1000, .write),
      finding(.writableExecutable, 0, 0x5000, 0x1000, .all),
      finding(.writableExecutable, 1, 0x6000, 0x1000, .all),
      finding(.userWritableTable, 1, 0x7000, 0x1000, .all),
    ])
    #expect(runs.groups.map(\.kind) == [.userWritableTable, .writableExecutable])
    #expect(runs.groups.map(\.runs) == [0..<1, 1..<4])
    #expect(runs.all.map(\.length) == [0x1000, 0x3000, 0x1000, 0x1000])
    #expect(runs.all[1].findings == 0..<2)
    #expect(runs.all[1].rights == [.all, .write])
  }

  @Test("Lengths that add up to more than all addresses saturate")
  func saturating() {
    let runs = FindingRuns([
      finding(.malformedEntry, 0, 0, 1 << 63, .all), finding(.malformedEntry, 1, 0, 1 << 63, .all),
    ])
    #expect(runs.groups.map(\.length) == [.max])
  }
}
