import PageTables

/// Infers where the kernel stores what its own threads do if there is no type information: uses worker threads,
/// whose description points back at their task.
struct KernelThreadInference {
  let reader: GuestMemoryReader
  /// The layout inferred so far.
  let layout: TaskLayout
  /// The first task of the list.
  let start: UInt64

  private static let taskLimit = 512
  /// The most bytes examined of a task, of a thread's data and of a worker.
  private static let taskSize = 8192
  private static let threadSize = 256
  private static let workerSize = 256
  private static let descriptionSize = 24
  /// The most blocks read in total.
  private static let effort = 1 << 17
  private static let isWorker: UInt64 = 0x20
  private static let isKernelThread: UInt64 = 0x20_0000

  private struct Task {
    let address: UInt64
    let comm: String
    let isUser: Bool
  }

  /// The layout, extended by what could be inferred.
  func run() -> TaskLayout {
    var layout = layout
    let tasks = self.tasks()
    let workers = tasks.filter { $0.comm.hasPrefix("kworker/") && !$0.isUser }
    guard workers.count > 1, let flags = flags(tasks, workers) else { return layout }
    layout.flags = flags
    guard let chain = chain(workers) else { return layout }
    layout.kernelThread = chain.thread
    layout.worker = chain.worker
    layout.fullName = fullName(tasks.filter { !$0.isUser && !$0.comm.hasPrefix("kworker/") }, chain.thread)
    return layout
  }

  private func tasks() -> [Task] {
    let task = TaskReader(reader: reader, layout: layout, start: start)
    return task.list().tasks.prefix(KernelThreadInference.taskLimit).compactMap { address in
      guard let comm = task.comm(at: address),
        let mm = reader.pointer(at: address &+ UInt64(layout.mm))
      else { return nil }
      return Task(address: address, comm: comm, isUser: mm != 0)
    }
  }

  /// The offset of the flags: workers have both, the parent of all kernel threads has only one, processes have
  /// none.
  private func flags(_ tasks: [Task], _ workers: [Task]) -> Int? {
    guard let father = tasks.first(where: { $0.comm == "kthreadd" && !$0.isUser }) else { return nil }
    let both = KernelThreadInference.isWorker | KernelThreadInference.isKernelThread
    return stride(from: 0, to: KernelThreadInference.taskSize, by: 4).first { offset in
      func bits(_ task: Task) -> UInt64? {
        reader.unsigned(at: task.address &+ UInt64(offset), size: 4).map { $0 & both }
      }
      return bits(father) == KernelThreadInference.isKernelThread && workers.allSatisfy { bits($0) == both }
        && tasks.allSatisfy { !$0.isUser || bits($0) == 0 }
    }
  }

  /// The path from a task to its thread's data, on to the worker, and back to the task.
  private func chain(_ workers: [Task]) -> (thread: Int, worker: TaskLayout.WorkerOffsets)? {
    let first = workers[0]
    let size = reader.pointerSize
    var effort = KernelThreadInference.effort
    for thread in stride(from: 0, to: KernelThreadInference.taskSize, by: size) {
      guard let data = pointer(first.address, thread), isApart(data, first.address),
        let block = reader.bytes(at: data, count: KernelThreadInference.threadSize)
      else { continue }
      for member in stride(from: 0, to: block.count, by: size) {
        let worker = block.span.bytes.entry(at: member, size: size)
        guard worker != 0, worker % UInt64(size) == 0, isApart(worker, first.address), worker != data else {
          continue
        }
        effort -= 1
        guard effort > 0 else { return nil }
        guard let bytes = reader.bytes(at: worker, count: KernelThreadInference.workerSize) else { continue }
        for back in stride(from: 0, to: bytes.count - size, by: size)
        where bytes.span.bytes.entry(at: back, size: size) == first.address {
          let all = workers.compactMap { task -> UInt64? in
            guard let data = pointer(task.address, thread), let worker = pointer(data, member),
              pointer(worker, back) == task.address
            else { return nil }
            return worker
          }
          guard all.count == workers.count, let text = description(all, behind: back) else { continue }
          // The pool follows the task; the current work follows the list link at the start.
          return (
            thread,
            TaskLayout.WorkerOffsets(data: member, description: text, work: 2 * size, pool: back + size)
          )
        }
      }
    }
    return nil
  }

  /// The offset at which each worker has a text or nothing, and most have a text.
  private func description(_ workers: [UInt64], behind back: Int) -> Int? {
    let texts = workers.compactMap { reader.bytes(at: $0, count: KernelThreadInference.workerSize) }
    guard texts.count == workers.count else { return nil }
    let last = KernelThreadInference.workerSize - KernelThreadInference.descriptionSize
    return stride(from: back + 2 * reader.pointerSize, to: last, by: 4).first { offset in
      var named = 0
      for text in texts {
        let field = text[offset..<offset + KernelThreadInference.descriptionSize]
        let name = field.prefix { $0 != 0 }
        guard name.count < field.count, name.allSatisfy({ (0x21..<0x7f).contains($0) }) else { return false }
        if name.count > 2 { named += 1 }
      }
      return named * 2 > workers.count
    }
  }

  /// The pointer to a name too long for the task: set where the short name is truncated, and points at a text that
  /// begins with it.
  private func fullName(_ threads: [Task], _ thread: Int) -> Int? {
    let cut = threads.filter { $0.comm.utf8.count == TaskLayout.commSize - 1 }
    guard !cut.isEmpty else { return nil }
    return stride(from: 0, to: KernelThreadInference.threadSize, by: reader.pointerSize).first { offset in
      var long = 0
      for task in cut {
        guard let data = pointer(task.address, thread), let text = reader.pointer(at: data &+ UInt64(offset))
        else { return false }
        if text == 0 { continue }
        guard let name = reader.string(at: text, limit: 64), name.hasPrefix(task.comm), name != task.comm
        else {
          return false
        }
        long += 1
      }
      return long > 0
    }
  }

  private func pointer(_ address: UInt64, _ offset: Int) -> UInt64? {
    reader.pointer(at: address &+ UInt64(offset)).flatMap { $0 == 0 ? nil : $0 }
  }

  /// Whether an address lies outside the task, which contains many pointers to itself.
  private func isApart(_ address: UInt64, _ task: UInt64) -> Bool {
    address &- task >= UInt64(KernelThreadInference.taskSize)
  }
}
