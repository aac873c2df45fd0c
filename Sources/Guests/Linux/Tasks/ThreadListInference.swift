import PageTables

/// Infers how the threads of a process are linked if there is no type information: each thread has a link in a list
/// whose head lies in their shared data (`signal_struct`), at which each thread points.
struct ThreadListInference {
  let reader: GuestMemoryReader
  let layout: TaskLayout
  /// The first task of the list.
  let start: UInt64

  private static let taskLimit = 512
  /// The most bytes examined of a task, and of the data that its threads share.
  private static let taskSize = 8192
  private static let sharedSize = 64
  /// The most threads of one process, and the most nodes over all lists.
  private static let threadLimit = 4096
  private static let effort = 1 << 18

  /// Nil where nothing fits all tasks.
  func run() -> TaskLayout.ThreadOffsets? {
    let tasks = TaskReader(reader: reader, layout: layout, start: start).list().tasks
      .prefix(ThreadListInference.taskLimit)
    // The parent of all kernel threads comes second, and is alone in its group.
    guard tasks.count > 2, let example = tasks.dropFirst().first else { return nil }
    let candidates = candidates(example)
    var effort = ThreadListInference.effort
    for tolerance in Tolerance.allCases {
      for candidate in candidates
      where tolerance.accepts(tasks, { isLinked($0, candidate, &effort) }) {
        return candidate
      }
    }
    return nil
  }

  /// Offsets at which a task that is alone in its group has a link in a list of one, and a pointer to a place
  /// before the list's head.
  private func candidates(_ task: UInt64) -> [TaskLayout.ThreadOffsets] {
    let size = reader.pointerSize
    // Read all at once: single reads would each need a translation.
    guard let bytes = reader.readable(at: task, limit: ThreadListInference.taskSize) else { return [] }
    let words = stride(from: 0, through: bytes.count - size, by: size).map {
      bytes.span.bytes.entry(at: $0, size: size)
    }
    var found: [TaskLayout.ThreadOffsets] = []
    for (index, head) in words.dropLast().enumerated() {
      let node = index * size
      let link = task &+ UInt64(node)
      guard head != 0, head % UInt64(size) == 0, words[index + 1] == head,
        head &- task >= UInt64(ThreadListInference.taskSize), reader.pointer(at: head) == link,
        reader.pointer(at: head &+ UInt64(size)) == link
      else { continue }
      for (index, shared) in words.enumerated()
      where shared < head && head - shared <= UInt64(ThreadListInference.sharedSize) {
        found.append(TaskLayout.ThreadOffsets(signal: index * size, head: Int(head - shared), node: node))
      }
    }
    return found
  }

  private func isLinked(_ task: UInt64, _ offsets: TaskLayout.ThreadOffsets, _ effort: inout Int) -> Bool {
    guard effort > 0, let shared = reader.pointer(at: task &+ UInt64(offsets.signal)), shared != 0 else {
      return false
    }
    let walk = ListWalk.nodes(
      head: shared &+ UInt64(offsets.head), reader: reader, limit: ThreadListInference.threadLimit)
    effort -= 1 + walk.nodes.count
    return walk.isClosed && walk.nodes.contains(task &+ UInt64(offsets.node))
  }
}
