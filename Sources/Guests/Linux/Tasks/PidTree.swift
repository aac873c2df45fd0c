import PageTables

/// The tree in which the kernel looks up pids: that of the first pid namespace, an XArray of `struct pid`.
struct PidTree {
  let reader: GuestMemoryReader
  private let head: Int
  private let shift: Int
  private let slots: Int
  private let slotCount: Int
  private let firstTask: Int
  private let link: Int

  private static let nodeLimit = 1 << 16
  /// The most tasks listed: as many as there may be processes and threads.
  private static let taskLimit = TaskReader.listLimit + TaskReader.threadLimit
  /// The most levels, of 6 bits each, in 64 bits.
  private static let depthLimit = 11

  /// Nil where the types lack an offset.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    guard let head = types.offset(of: "idr.idr_rt.xa_head", in: "pid_namespace"),
      let shift = types.offset(of: "shift", in: "xa_node"),
      let slots = types.member("slots", of: "xa_node"), let array = types.array(slots.type),
      (1...256).contains(array.count), let firstTask = types.offset(of: "tasks", in: "pid"),
      let link = types.offset(of: "pid_links", in: "task_struct")
    else { return nil }
    self.reader = reader
    self.head = head
    self.shift = shift
    self.slots = slots.offset
    slotCount = array.count
    self.firstTask = firstTask
    self.link = link
  }

  /// The addresses of all tasks with a pid in the namespace at an address, including threads; nil where the tree
  /// cannot be read.
  func tasks(namespace: UInt64) -> [UInt64]? {
    guard let root = reader.pointer(at: namespace &+ UInt64(head)) else { return nil }
    var tasks: [UInt64] = []
    var seen: Set<UInt64> = []
    guard visit(root, depth: 0, &seen, &tasks) else { return nil }
    return tasks
  }

  /// XArray entries (`include/linux/xarray.h`): low bits 10 mean a node, 00 a stored pointer.
  private func visit(_ entry: UInt64, depth: Int, _ seen: inout Set<UInt64>, _ tasks: inout [UInt64]) -> Bool
  {
    if entry == 0 || entry & 1 == 1 { return true }
    if entry & 3 == 0 {
      guard tasks.count < PidTree.taskLimit else { return false }
      if let task = task(ofPid: entry) { tasks.append(task) }
      return true
    }
    // Retry and sibling entries are small numbers.
    guard entry > 4096 else { return true }
    let node = entry & ~3
    guard depth < PidTree.depthLimit, seen.count < PidTree.nodeLimit, seen.insert(node).inserted,
      let shift = reader.unsigned(at: node &+ UInt64(self.shift), size: 1), shift < 64
    else { return false }
    for slot in 0..<slotCount {
      let address = node &+ UInt64(slots + slot * reader.pointerSize)
      guard let entry = reader.pointer(at: address) else { return false }
      // A pointer stored above the lowest level is also a leaf: a tree with a single entry.
      guard visit(entry, depth: depth + 1, &seen, &tasks) else { return false }
    }
    return true
  }

  private func task(ofPid pid: UInt64) -> UInt64? {
    guard let first = reader.pointer(at: pid &+ UInt64(firstTask)), first != 0 else { return nil }
    return first &- UInt64(link)
  }
}
