import Testing

@testable import pagewalk

/// Lists that may never end say so.
@Suite struct LongListTests {
  @Test func itIsSaidOnceAndNotBeforeItIsLong() {
    var said: [String] = []
    var asked = 0
    var list = LongList(patience: 3) { said.append($0) }
    for line in 1...10 {
      list.line {
        asked += 1
        return "all of them"
      }
      #expect(said.count == (line < 3 ? 0 : 1))
    }
    #expect(said == ["3 lines so far: all of them"])
    #expect(asked == 1)
  }
}
