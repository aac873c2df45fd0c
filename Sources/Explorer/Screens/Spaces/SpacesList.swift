import Canvas
import PageTables

extension ListContent {
  /// All spaces, in the order of listing: a row is the space's number. What a space uses is told as soon as all are
  /// indexed, and what is the same for all is not told at all.
  static func spaces(_ spaces: [TreeSpace], _ index: ExplorerIndex?) -> ListContent {
    let copies = spaces.map(\.found).copies.count
    var content = ListContent(
      title: copies == 0 ? "spaces" : "spaces, with \(copies) user copies",
      columns: processColumns(spaces) + memoryColumns(spaces, index) + originColumns(spaces),
      count: spaces.count, target: { .space($0) }, emptyText: "no address space is known")
    content.space = { spaces[$0].id }
    if content.columns.contains(where: { $0.name == "proportional" }) {
      let meaning = "private: no other process maps it"
      content.remarks = [meaning + "; proportional: divided by mappings", meaning]
    }
    return content
  }

  private static func processColumns(_ spaces: [TreeSpace]) -> [ListColumn] {
    [
      ListColumn("name", .texts { spaces[$0].name }, look: { .role(spaces[$0].look) }),
      ListColumn("pid", .counts { UInt64(clamping: spaces[$0].found.pid ?? .max) }) {
        spaces[$0].pidText
      } look: {
        .role(spaces[$0].look)
      },
    ]
  }

  /// What the user half of each space uses. The copies of an isolated process have one user half: it is told of the
  /// kernel's copy.
  private static func memoryColumns(_ spaces: [TreeSpace], _ index: ExplorerIndex?) -> [ListColumn] {
    guard let index, index.memory.count == spaces.count else { return [] }
    let memory = index.memory
    let copies = index.census.copies
    // Of what looks like the tables of a process that ended, numbers mean nothing.
    let isTold: @Sendable (Int) -> Bool = { copies[$0] == nil && !spaces[$0].found.isPossiblyStale }
    let look: @Sendable (Int) -> ListColumn.Look = { .role(spaces[$0].look) }
    func bytes(_ name: String, _ value: @escaping @Sendable (SpaceMemory) -> UInt64?) -> ListColumn {
      ListColumn(name, isRight: true, .sizes { isTold($0) ? value(memory[$0]) ?? 0 : 0 }) { row in
        guard isTold(row), let bytes = value(memory[row]) else { return "" }
        return ByteText.rounded(bytes) + (memory[row].isComplete ? "" : "+")
      } look: {
        look($0)
      }
    }
    func count(
      _ name: String, title: String? = nil, _ value: @escaping @Sendable (Int) -> Int
    ) -> ListColumn {
      ListColumn(
        name, title: title, isRight: true, isLargestFirst: true,
        .counts { isTold($0) ? UInt64(value($0)) : 0 }
      ) {
        isTold($0) ? "\(value($0))" : ""
      } look: {
        look($0)
      }
    }
    var columns = [
      bytes("resident", \.residentBytes), bytes("private", \.privateBytes),
      bytes("proportional", \.proportionalBytes),
    ]
    if memory.contains(where: { $0.swappedBytes ?? 0 > 0 }) {
      columns.append(bytes("swapped", \.swappedBytes))
    }
    columns.append(count("own", title: "own tables") { memory[$0].ownTables })
    columns.append(count("shared") { memory[$0].sharedTables })
    let mirrors = spaces.indices.map { index.mirrors(ofSpace: $0).count }
    if mirrors.contains(where: { $0 > 0 }) { columns.append(count("mirrors") { mirrors[$0] }) }
    return columns
  }

  /// Processes that are named of one space.
  private static let processLimit = 100

  /// How each was found and by whom it was named, as far as that differs; and what only a guest tells.
  private static func originColumns(_ spaces: [TreeSpace]) -> [ListColumn] {
    var columns: [ListColumn] = []
    func add(
      _ name: String, title: String? = nil, look: @escaping @Sendable (Int) -> ListColumn.Look,
      _ text: @escaping @Sendable (TreeSpace) -> String
    ) {
      guard let first = spaces.first.map(text), spaces.contains(where: { text($0) != first }) else { return }
      columns.append(ListColumn(name, title: title, .texts { text(spaces[$0]) }, look: look))
    }
    let look: @Sendable (Int) -> ListColumn.Look = { .role(spaces[$0].look) }
    let dim: @Sendable (Int) -> ListColumn.Look = { _ in .role(.dim) }
    if spaces.contains(where: { !$0.commandLine.isEmpty }) {
      columns.append(ListColumn("command", .texts { spaces[$0].commandLine }))
    }
    columns.append(ListColumn("root", .addresses { spaces[$0].root.value }, look: look))
    add("found", title: "found by", look: look) {
      $0.originText + ($0.found.isPossiblyStale ? ", possibly stale" : "")
    }
    add("named", title: "named by", look: dim) { $0.found.namedBy?.rawValue ?? "" }
    add("scheme", look: look) { $0.scheme.title }
    // Last, as it may be longer than any screen.
    if spaces.contains(where: { !$0.otherProcesses.isEmpty }) {
      columns.append(
        ListColumn(
          "others", title: "other processes", .texts { spaces[$0].otherProcesses(limit: processLimit) },
          look: dim))
    }
    return columns
  }
}

extension TreeSpace {
  fileprivate var look: Role { found.isPossiblyStale ? .stale : .text }
}
