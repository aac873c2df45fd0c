import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The map of physical memory")
struct PhysicalMapTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  /// The picture with a page a cell, at a frame.
  private mutating func goTo(_ frame: UInt64) throws {
    try driver.press("P + + + + + + + + + +")
    let map = try #require(driver.explorer.physicalMap)
    #expect(map.blocks.blockLength == Frame.size)
    driver.explorer.physicalMap?.blocks.select(frame)
    // What is on the screen now is looked at.
    driver.send(.notice(""))
  }

  private var sign: String? {
    driver.explorer.physicalMap.flatMap { driver.explorer.sign(ofBlock: $0.blocks.cursor, $0)?.sign }
  }

  @Test(
    "Where no guest tells, a page is what the tables say, and Enter lists who maps it",
    arguments: [
      (SmallGuest.firstRoot, "t"), (0x20_0000, "~"), (0x30_0000, "~"), (0x50_0000, "m"),
    ])
  mutating func tables(_ frame: UInt64, _ expected: String) throws {
    try goTo(frame)
    #expect(sign == expected)
    #expect(driver.lines[1].contains(Numbers.hex(frame)))
    try driver.press("Enter")
    #expect(driver.lines[1].contains("who maps \(Numbers.hex(frame))"))
    try driver.press("Esc")
    #expect(driver.screenID == .physicalMap)
  }

  @Test("What a guest says of a frame comes before what tables say, but that it is a table")
  func guestsWord() throws {
    let opened = NamedGuest.driver()
    let names = try #require(NamedGuest.names)
    let source = FrameSource(
      names: names, index: opened.explorer.index, ranges: opened.explorer.memory.extent.physical)
    for space in opened.explorer.tree.spaces {
      #expect(source.kind(of: space.root, opened.explorer.memory) == .pageTable)
    }
    // This guest has no page array: what its process maps is the users'.
    #expect(names.frameUse(of: PhysicalAddress(0x800_0000)) == nil)
    #expect(source.kind(of: PhysicalAddress(0x800_0000), opened.explorer.memory) == .userMapped)
    #expect(source.kind(of: PhysicalAddress(1 << 50), opened.explorer.memory) == nil)
  }

  @Test(
    "All memory is on the screen at first, whatever its size; holes are cut out",
    arguments: [(40, 10), (80, 24), (200, 60)])
  func firstPicture(_ size: (Int, Int)) throws {
    var driver = try SampleGuest.driver("linux-x86_64", width: size.0, height: size.1)
    try driver.press("P")
    let map = try #require(driver.explorer.physicalMap)
    let lines = map.blocks.lines(driver.explorer.mapAreas.cells.height)
    let ranges = driver.explorer.memory.extent.physical.ranges
    #expect(!ranges.isEmpty)
    for range in ranges {
      for address in [range.start.value, range.end.value - 1] {
        #expect(lines.contains { $0.hole == 0 && address - min(address, $0.start) < map.blocks.rowLength })
      }
    }
    #expect(lines.contains { $0.hole > 0 })
    #expect(driver.screen.contains("no memory .."))
    for line in lines where line.hole > 0 {
      #expect(ranges.allSatisfy { $0.end.value <= line.start || $0.start.value >= line.start + line.hole })
    }
  }

  @Test("Of a large block some frames are looked at, spread over all of it, and most of them give the sign")
  func survey() throws {
    let driver = try SampleGuest.driver("linux-x86_64", width: 80, height: 24)
    let index = try #require(driver.explorer.index)
    let memory = driver.explorer.memory
    let source = FrameSource(names: nil, index: index, ranges: memory.extent.physical)
    // Blocks of 16 frames are looked at whole.
    var survey = FrameSurvey(shift: 16)
    let roots = driver.explorer.tree.spaces.map { $0.root.value & ~0xffff }
    survey.want(roots)
    while !survey.isDone { survey.proceed(frames: 7, source, memory) }
    #expect(survey.sampling == nil)
    for block in roots {
      let use = try #require(survey.blocks[block])
      let kinds = (0..<16).map { source.kind(of: PhysicalAddress(block + UInt64($0) << 12), memory) }
      for kind in BlockKind.allCases {
        #expect(Int(use.counts[kind.rawValue]) == kinds.count { $0 == kind })
        #expect(use.firstFrame(kind) == kinds.firstIndex(of: kind).map(UInt64.init))
      }
    }
  }

  @Test("Before anything is known of frames it says what it waits for")
  func awaited() throws {
    var driver = SharingGuest.driverBeforeSpaces()
    driver.find(SmallGuest.spaces)
    try driver.press("P")
    #expect(driver.screen.contains("spaces are being indexed"))
  }

  @Test("Moving stays where there is memory")
  mutating func moving() throws {
    var random = SeededRandom(seed: 3)
    try driver.press("P + +")
    for _ in 0..<300 {
      try driver.press(
        ["h", "j", "k", "l", "PgDn", "PgUp", "G", "Home", "-", "+"].randomElement(using: &random) ?? "j")
      let blocks = try #require(driver.explorer.physicalMap?.blocks)
      #expect(blocks.isThere(blocks.cursor))
    }
  }
}
