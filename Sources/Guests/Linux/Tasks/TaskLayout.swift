/// The byte offsets of what identifies a process, from type information or inferred.
struct TaskLayout: Hashable, Sendable {
  /// In `task_struct`.
  var tasks: Int
  var pid: Int
  var comm: Int
  var mm: Int
  /// In `mm_struct`.
  var pgd: Int
  /// Known only with type information, like the parent.
  var tgid: Int?
  var flags: Int?
  var parent: Int?
  var threads: ThreadOffsets?
  /// In `task_struct`: the pointer to the data of kernel threads; and the offset of the long name there.
  var kernelThread: Int?
  var fullName: Int?
  var worker: WorkerOffsets?

  /// `task_struct.signal`, the head of its list of threads, and the link in each thread.
  struct ThreadOffsets: Hashable, Sendable {
    let signal: Int
    let head: Int
    let node: Int
  }

  /// How to get from a kernel worker's thread to what it works on.
  struct WorkerOffsets: Hashable, Sendable {
    let data: Int
    let description: Int
    let work: Int
    let pool: Int
    /// The queue that a rescuer serves, and the name in it; known only with type information.
    var rescued: Int?
    var queueName: Int?
  }

  /// Bytes in `comm`, including the final 0 (`TASK_COMM_LEN`).
  static let commSize = 16

  init(tasks: Int, pid: Int, comm: Int, mm: Int, pgd: Int) {
    self.tasks = tasks
    self.pid = pid
    self.comm = comm
    self.mm = mm
    self.pgd = pgd
  }

  /// Nil where the types lack an essential offset.
  init?(_ types: TypeInformation) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let tasks = offset("tasks", "task_struct"), let pid = offset("pid", "task_struct"),
      let comm = offset("comm", "task_struct"), let mm = offset("mm", "task_struct"),
      let pgd = offset("pgd", "mm_struct")
    else { return nil }
    self.init(tasks: tasks, pid: pid, comm: comm, mm: mm, pgd: pgd)
    tgid = offset("tgid", "task_struct")
    flags = offset("flags", "task_struct")
    parent = offset("real_parent", "task_struct")
    if let signal = offset("signal", "task_struct"), let head = offset("thread_head", "signal_struct"),
      let node = offset("thread_node", "task_struct")
    {
      threads = ThreadOffsets(signal: signal, head: head, node: node)
    }
    // Up to 5.17 the kernel kept this pointer in a field that only user threads need.
    kernelThread = offset("worker_private", "task_struct") ?? offset("set_child_tid", "task_struct")
    fullName = offset("full_name", "kthread")
    if let data = offset("data", "kthread"), let description = offset("desc", "worker"),
      let work = offset("current_work", "worker"), let pool = offset("pool", "worker")
    {
      worker = WorkerOffsets(
        data: data, description: description, work: work, pool: pool,
        rescued: offset("rescue_wq", "worker"), queueName: offset("name", "workqueue_struct"))
    }
  }
}
