import TestSupport
import Testing

@testable import Explorer

@Suite("A list of any length: sorted, filtered and searched in slices")
struct RowListTests {
  /// 30,000 rows: numbers that repeat, one of three names, a length.
  private static let count = 30_000

  private static func number(_ row: Int) -> UInt64 { UInt64(row) &* 2_654_435_761 % 5000 }

  private static let content = ListContent(
    title: "test",
    columns: [
      ListColumn("number", .counts { number($0) }),
      ListColumn("name", .names(["kernel", "init", "shell"]) { $0 % 3 }),
      ListColumn("address", .addresses { UInt64($0) << 12 }),
      ListColumn("length", .sizes { $0 % 2 == 0 ? 4096 : 2 << 20 }),
      ListColumn("text", .texts { $0 % 7 == 0 ? "odd" : "even" }),
    ],
    count: count, target: { .space($0) }, emptyText: "nothing")

  private static func finish(_ list: inout RowList) -> Int {
    var slices = 0
    while list.isWorking {
      list.proceed()
      slices += 1
    }
    return slices
  }

  @Test("Sorting by a column gives each row once, in order; equal rows keep their order either way round")
  func sorting() {
    var list = RowList(Self.content)
    list.sort(by: 0)
    #expect(Self.finish(&list) > 1, "so many rows are no work for one key")
    let ascending = (0..<Self.count).sorted { (Self.number($0), $0) < (Self.number($1), $1) }
    #expect(list.order == ascending)
    list.sort(by: 0)
    _ = Self.finish(&list)
    let descending = (0..<Self.count).sorted { (Self.number($1), $0) < (Self.number($0), $1) }
    #expect(list.order == descending)
  }

  @Test("The order before stays on the screen until the new one is there")
  func sortingShows() {
    var list = RowList(Self.content)
    list.sort(by: 0)
    #expect(list.isWorking)
    #expect(list.shown.count == Self.count)
    #expect(Array(list.order.prefix(10)) == Array(0..<10))
  }

  private struct Case: Sendable {
    let words: String
    let passes: @Sendable (Int) -> Bool
  }

  private static let cases = [
    Case(words: "shell") { $0 % 3 == 2 }, Case(words: "!shell") { $0 % 3 != 2 },
    Case(words: "name:!shell") { $0 % 3 != 2 }, Case(words: "!name:!shell") { $0 % 3 == 2 },
    Case(words: "2m") { $0 % 2 == 1 },
    Case(words: "name:init 4k") { $0 % 3 == 1 && $0 % 2 == 0 },
    Case(words: "address:1e8f") { $0 == 0x1e8f }, Case(words: "number:77") { number($0) == 77 },
    Case(words: "text:odd kern") { $0 % 7 == 0 && $0 % 3 == 0 }, Case(words: "length:shell") { _ in false },
    Case(words: "number") { number($0) != 0 },
    Case(words: "!number shell") { number($0) == 0 && $0 % 3 == 2 },
  ]

  @Test("A filter leaves the rows that have every word", arguments: cases.indices)
  func filtering(_ number: Int) {
    let example = Self.cases[number]
    var list = RowList(Self.content)
    list.setFilter(ListFilter(example.words))
    _ = Self.finish(&list)
    #expect(list.order == (0..<Self.count).filter(example.passes), "\(example.words)")
  }

  @Test("The first screen of a filter is there at once, the rest comes in slices")
  func filteringShows() {
    var list = RowList(Self.content)
    list.setFilter(ListFilter("shell 4k"))
    #expect(list.isWorking)
    #expect(list.shown.count >= 60)
    let first = list.shown.prefix(60)
    #expect(Self.finish(&list) > 1)
    #expect(list.shown.prefix(60) == first)
  }

  @Test("A letter more narrows, a letter less widens again, also before the slices are through")
  func typing() {
    var list = RowList(Self.content)
    for words in ["s", "sh", "she", "sh", "s", "", "k", "ke"] { list.setFilter(ListFilter(words)) }
    _ = Self.finish(&list)
    #expect(list.order == (0..<Self.count).filter { $0 % 3 == 0 })
    list.setFilter(ListFilter("ker"))
    list.setFilter(ListFilter(""))
    _ = Self.finish(&list)
    #expect(list.shown.count == Self.count)
  }

  @Test("The name of a column is found letter by letter, though no text has it")
  func typingAColumn() {
    var list = RowList(Self.content)
    for words in ["n", "numbe", "number"] { list.setFilter(ListFilter(words)) }
    _ = Self.finish(&list)
    #expect(list.order == (0..<Self.count).filter { Self.number($0) != 0 })
  }

  @Test("An address is found that is typed letter by letter, its 0x before it")
  func typingAnAddress() {
    var list = RowList(Self.content)
    for words in ["0", "0x", "0x1", "0x1e", "0x1e8", "0x1e8f"] { list.setFilter(ListFilter(words)) }
    _ = Self.finish(&list)
    #expect(list.order.contains(0x1e8f))
  }

  @Test("Sorting begins at the top; the selection stays on its row through filtering, if it still is there")
  func selection() {
    var list = RowList(Self.content)
    list.selection = 17_777
    list.sort(by: 0)
    _ = Self.finish(&list)
    #expect(list.selection == 0 && list.top == 0)
    list.select(row: 17_777)
    _ = Self.finish(&list)
    list.setFilter(ListFilter("shell"))
    _ = Self.finish(&list)
    #expect(list.selectedRow == 17_777)
    list.setFilter(ListFilter("kernel"))
    _ = Self.finish(&list)
    #expect(list.selectedRow.map { $0 % 3 } == 0)
  }

  @Test("Other rows come under the same order and filter")
  func replacing() {
    var list = RowList(Self.content)
    list.setFilter(ListFilter("shell"))
    list.sort(by: 0)
    _ = Self.finish(&list)
    let expected = (0..<Self.count).filter { $0 % 3 == 2 }.sorted {
      (Self.number($0), $0) < (Self.number($1), $1)
    }
    #expect(list.order == expected)
    list.replace(Self.content, selecting: expected[100])
    _ = Self.finish(&list)
    #expect(list.order == expected)
    #expect(list.selection == 100)
  }

  @Test(
    "The sort is a sort, whatever comes in and however it is cut", arguments: [0, 1, 2, 255, 256, 257, 5000])
  func slicedSort(_ count: Int) {
    var random = SeededRandom(seed: UInt64(count) + 1)
    let keys = (0..<count).map { _ in UInt64.random(in: 0..<50, using: &random) }
    for steps in [1, 100, 1_000_000] {
      var sort = SlicedSort(count: count)
      while !sort.proceed(steps: steps, { (keys[$0], $0) < (keys[$1], $1) }) {}
      #expect(sort.result.map(Int.init) == keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) })
    }
  }

  @Test(
    "Hex digits are found wherever they stand in a number",
    arguments: [
      ("1a2", true), ("0x1A2", false), ("a2c0", true), ("_1a_2c", true), ("2c1", false), ("c063", true),
    ])
  func digits(_ text: String, _ isFound: Bool) throws {
    let digits = try #require(HexDigits(text))
    #expect(digits.occur(in: 0x1a2c063) == (isFound || text == "0x1A2"))
  }
}
