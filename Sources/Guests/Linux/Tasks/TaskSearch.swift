import MemoryImages
import PageTables

/// Finds all tasks in two ways, and reports where these differ.
struct TaskSearch {
  let reader: TaskReader
  let image: MemoryImage

  /// Nil where neither way finds any task.
  func tasks(tree: PidTree?, namespace: UInt64?) -> GuestTasks? {
    var result = GuestTasks()
    let list = reader.list()
    result.isListClosed = list.isClosed
    var tasks: [Int: GuestTask] = [:]
    var threadBudget = TaskReader.threadLimit
    for address in list.tasks {
      guard let task = reader.task(at: address, threadBudget: &threadBudget), task.pid > 0 else { continue }
      if tasks[task.pid] == nil { tasks[task.pid] = task }
    }
    if let tree, let namespace, let inTree = tree.tasks(namespace: namespace) {
      result.hasTree = true
      compare(inTree, with: &tasks, &result, &threadBudget)
    }
    guard !tasks.isEmpty else { return nil }
    result.tasks = tasks.values.sorted { $0.pid < $1.pid }
    addUserRoots(&result.tasks)
    return result
  }

  /// The tree also holds threads; the list holds only those that lead a process.
  private func compare(
    _ inTree: [UInt64], with tasks: inout [Int: GuestTask], _ result: inout GuestTasks,
    _ threadBudget: inout Int
  ) {
    let listed = Set(tasks.keys)
    var seen: Set<Int> = []
    for address in inTree {
      guard let pid = reader.pid(at: address), pid > 0, reader.comm(at: address) != nil else { continue }
      guard let leader = reader.leader(of: address), leader == pid else { continue }
      guard seen.insert(pid).inserted else { continue }
      if !listed.contains(pid), let task = reader.task(at: address, threadBudget: &threadBudget) {
        tasks[pid] = task
        result.missingInList.append(pid)
      }
    }
    result.missingInTree = listed.subtracting(seen).sorted()
    result.missingInList.sort()
  }

  /// Under page-table isolation the user's copy is the page after the root.
  private func addUserRoots(_ tasks: inout [GuestTask]) {
    let shape = RootShape(reader.reader.space.scheme)
    guard let isolated = shape.scheme.isolatedRoots else { return }
    let classification = RootClassification(image: image, shape: shape)
    var looks = 0
    var hits = 0
    for index in tasks.indices {
      guard let root = tasks[index].root, hits > 0 || looks < 8 else { continue }
      looks += 1
      let user = isolated.userCopy(of: root)
      if classification.isPair(kernel: root, user: user) {
        tasks[index].userRoot = user
        hits += 1
      }
    }
  }
}
