import PageTables

/// The question which spaces share memory with one; asked of all leaves, so the program answers it in the background.
package struct SharerQuery: Equatable, Sendable {
  let spaceNumber: Int
  private let index: SpaceIndex
  private let memory: any PhysicalMemory

  init(spaceNumber: Int, _ index: SpaceIndex, _ memory: any PhysicalMemory) {
    self.spaceNumber = spaceNumber
    self.index = index
    self.memory = memory
  }

  package func run() -> [Sharer] { index.sharers(of: spaceNumber, in: memory) }

  package static func == (left: SharerQuery, right: SharerQuery) -> Bool {
    left.spaceNumber == right.spaceNumber
  }
}

/// Which of those questions is open, and which was answered last.
struct SharerState: Sendable {
  private(set) var number = 0
  /// To be asked of the program as soon as the event is taken.
  var wanted: SharerQuery?
  private(set) var isAwaited = false
  private var answer: (space: SpaceID, sharers: [Sharer])?
  private var space: SpaceID?

  /// The answer about a space, or nil; then it is asked for.
  mutating func sharers(of id: SpaceID, _ search: () -> SharerQuery) -> [Sharer]? {
    if let answer, answer.space == id { return answer.sharers }
    if !isAwaited || space != id {
      number += 1
      space = id
      wanted = search()
      isAwaited = true
    }
    return nil
  }

  /// Takes an answer, unless something else was asked in the meantime.
  mutating func receive(sharers: [Sharer], request: Int) -> Bool {
    guard isAwaited, request == number, let space else { return false }
    isAwaited = false
    answer = (space, sharers)
    return true
  }

  /// The index that answers stand on is no more.
  mutating func forget() {
    number += 1
    wanted = nil
    isAwaited = false
    answer = nil
  }
}
