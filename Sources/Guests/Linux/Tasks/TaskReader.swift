import PageTables

/// Reads processes from the kernel's lists. Every list is bounded, and ends when a node repeats.
struct TaskReader {
  let reader: GuestMemoryReader
  let layout: TaskLayout
  /// The first task, pid 0: the start of the list of tasks.
  let start: UInt64
  /// The kernel's part that every root must have; nil where the kernel's own root cannot be read.
  private let agrees: KernelRootEntries?

  /// `PID_MAX_LIMIT` of 64-bit kernels.
  static let pidLimit = 1 << 22
  /// The most processes listed.
  static let listLimit = 1 << 18
  /// The most threads listed, over all processes.
  static let threadLimit = 1 << 18
  private static let nameLimit = 64
  /// Flags of `task_struct.flags` (`include/linux/sched.h`), unchanged since they were introduced.
  private static let isWorker: UInt64 = 0x20
  private static let isKernelThread: UInt64 = 0x20_0000

  init(reader: GuestMemoryReader, layout: TaskLayout, start: UInt64) {
    self.reader = reader
    self.layout = layout
    self.start = start
    agrees = KernelRootEntries(reader)
  }

  /// The addresses of the tasks in the list, without the first one, and whether the list closes.
  func list() -> (tasks: [UInt64], isClosed: Bool) {
    let nodes = ListWalk.intactNodes(
      head: start &+ UInt64(layout.tasks), reader: reader, limit: TaskReader.listLimit)
    return (nodes.nodes.map { $0 &- UInt64(layout.tasks) }, nodes.isClosed)
  }

  /// The task at an address; nil where its name or number is invalid.
  ///
  /// - Parameter threadBudget: how many more threads may be listed, over all tasks.
  func task(at address: UInt64, threadBudget: inout Int) -> GuestTask? {
    guard let pid = pid(at: address), let comm = comm(at: address) else { return nil }
    let flags = layout.flags.flatMap { reader.unsigned(at: address &+ UInt64($0), size: 4) }
    let saysKernelThread = flags.map { $0 & TaskReader.isKernelThread != 0 }
    let threads = threadTasks(of: address, &threadBudget)
    var mm = memory(of: address)
    // A process survives the end of its main thread, which then has released its memory.
    if mm == nil, saysKernelThread != true { mm = threads.lazy.compactMap(memory).first }
    let isKernelThread = saysKernelThread ?? (mm == nil)
    var name = comm
    if let flags, isKernelThread,
      let thread = layout.kernelThread.flatMap({ reader.pointer(at: address &+ UInt64($0)) }), thread != 0
    {
      if flags & TaskReader.isWorker != 0 {
        name = (rescuer(thread, comm) ?? comm) + (work(of: thread) ?? "")
      } else if let long = fullName(of: thread), long.hasPrefix(comm) {
        name = long
      }
    }
    var parent: Int?
    if let offset = layout.parent, let task = reader.pointer(at: address &+ UInt64(offset)) {
      parent = self.pid(at: task)
    }
    return GuestTask(
      pid: pid, name: name, address: address, parent: parent, isKernelThread: isKernelThread, memory: mm,
      root: mm.flatMap(root), threads: self.threads(threads, leader: pid))
  }

  /// The `mm_struct` of a task; nil if it has no user memory of its own.
  private func memory(of task: UInt64) -> UInt64? {
    reader.pointer(at: task &+ UInt64(layout.mm)).flatMap { $0 == 0 ? nil : $0 }
  }

  func pid(at address: UInt64) -> Int? {
    guard let pid = reader.unsigned(at: address &+ UInt64(layout.pid), size: 4), pid < TaskReader.pidLimit
    else { return nil }
    return Int(pid)
  }

  /// The name; nil where it is not terminated within its field. A process may have an empty name.
  func comm(at address: UInt64) -> String? {
    guard let bytes = reader.bytes(at: address &+ UInt64(layout.comm), count: TaskLayout.commSize),
      let end = bytes.firstIndex(of: 0)
    else { return nil }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// The root in an `mm_struct`.
  func root(of mm: UInt64) -> PhysicalAddress? {
    guard let pgd = reader.pointer(at: mm &+ UInt64(layout.pgd)), let root = reader.physical(of: pgd),
      agrees?.holds(root) ?? (root.value % reader.space.scheme.rootAlignment == 0)
    else { return nil }
    return root
  }

  /// The process that a thread belongs to.
  func leader(of address: UInt64) -> Int? {
    layout.tgid.flatMap { reader.unsigned(at: address &+ UInt64($0), size: 4) }.map { Int($0) }
  }

  /// The tasks of a process's threads except the main one; empty where their list does not close.
  private func threadTasks(of address: UInt64, _ budget: inout Int) -> [UInt64] {
    guard let offsets = layout.threads,
      let signal = reader.pointer(at: address &+ UInt64(offsets.signal)), signal != 0
    else { return [] }
    let walk = ListWalk.nodes(
      head: signal &+ UInt64(offsets.head), reader: reader, limit: budget)
    budget -= walk.nodes.count
    guard walk.isClosed else { return [] }
    return walk.nodes.map { $0 &- UInt64(offsets.node) }.filter { $0 != address }
  }

  private func threads(_ tasks: [UInt64], leader: Int) -> [GuestThread] {
    tasks.compactMap { task in
      guard let pid = pid(at: task), pid > 0, pid != leader, let name = comm(at: task) else { return nil }
      return GuestThread(pid: pid, name: name)
    }.sorted { $0.pid < $1.pid }
  }

  /// A name that does not fit into the task's own field.
  private func fullName(of thread: UInt64) -> String? {
    layout.fullName.flatMap { reader.pointer(at: thread &+ UInt64($0)) }
      .flatMap { $0 == 0 ? nil : reader.string(at: $0, limit: TaskReader.nameLimit) }
  }

  /// The full name of a worker reserved for one queue: since 6.8 it includes the queue's name, which may not fit.
  private func rescuer(_ thread: UInt64, _ comm: String) -> String? {
    let prefix = "kworker/R-"
    guard comm.hasPrefix(prefix), let offsets = layout.worker, let rescued = offsets.rescued,
      let queueName = offsets.queueName, let worker = reader.pointer(at: thread &+ UInt64(offsets.data)),
      let queue = reader.pointer(at: worker &+ UInt64(rescued)), queue != 0,
      let name = reader.string(at: queue &+ UInt64(queueName), limit: TaskReader.nameLimit)
    else { return nil }
    let whole = prefix + name
    return whole.hasPrefix(comm) ? whole : nil
  }

  /// What a kernel worker does or did last, as the kernel appends it to the name.
  private func work(of thread: UInt64) -> String? {
    guard let offsets = layout.worker,
      let worker = reader.pointer(at: thread &+ UInt64(offsets.data)),
      let pool = reader.pointer(at: worker &+ UInt64(offsets.pool)), pool != 0,
      let description = reader.string(at: worker &+ UInt64(offsets.description), limit: 24),
      !description.isEmpty
    else { return nil }
    let isWorking = reader.pointer(at: worker &+ UInt64(offsets.work)).map { $0 != 0 } ?? false
    return (isWorking ? "+" : "-") + description
  }
}

/// Walks the kernel's lists.
enum ListWalk {
  /// The nodes of a list that ends with a null pointer, from `first` on, where each stores the pointer to the next
  /// one at offset `link`; and whether the end was reached.
  static func chain(
    from first: UInt64?, link: Int, reader: GuestMemoryReader, limit: Int
  ) -> (nodes: [UInt64], isEnded: Bool) {
    var nodes: [UInt64] = []
    var seen: Set<UInt64> = []
    var next = first
    while let node = next, nodes.count < limit {
      if node == 0 { return (nodes, true) }
      guard seen.insert(node).inserted else { break }
      next = reader.pointer(at: node &+ UInt64(link))
      if next != nil { nodes.append(node) }
    }
    return (nodes, next == 0)
  }

  /// The nodes of a circular list after its head, in order, without the head; and whether the list led back to it.
  ///
  /// A node that repeats, or cannot be read, ends the walk.
  static func nodes(head: UInt64, reader: GuestMemoryReader, limit: Int) -> (nodes: [UInt64], isClosed: Bool)
  {
    var nodes: [UInt64] = []
    var seen: Set<UInt64> = []
    var next = reader.pointer(at: head)
    while let node = next, nodes.count < limit {
      if node == head { return (nodes, true) }
      guard node != 0, seen.insert(node).inserted else { break }
      next = reader.pointer(at: node)
      if next != nil { nodes.append(node) }
    }
    return (nodes, false)
  }

  /// The same for a list with possibly corrupt nodes: if it does not close, the nodes from its start on and,
  /// walking backwards, those before its end, each as far as neighbours point at each other.
  static func intactNodes(
    head: UInt64, reader: GuestMemoryReader, limit: Int
  ) -> (nodes: [UInt64], isClosed: Bool) {
    let whole = nodes(head: head, reader: reader, limit: limit)
    if whole.isClosed { return whole }
    let size = UInt64(reader.pointerSize)
    func walk(by link: UInt64, back: UInt64) -> [UInt64] {
      var found: [UInt64] = []
      var seen: Set<UInt64> = [head]
      var last = head
      while let next = reader.pointer(at: last &+ link), next != 0, found.count < limit,
        seen.insert(next).inserted,
        reader.pointer(at: next &+ back) == last
      {
        found.append(next)
        last = next
      }
      return found
    }
    let first = walk(by: 0, back: size)
    let known = Set(first)
    return (first + walk(by: size, back: 0).reversed().filter { !known.contains($0) }, false)
  }
}
