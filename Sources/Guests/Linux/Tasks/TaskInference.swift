import PageTables

/// Infers where the kernel keeps its tasks if neither types nor symbols say so, from what must be true: the first
/// task is called `swapper`, the list of all tasks closes, the first two after it have pids 1 and 2, only user
/// processes have memory of their own, and the kernel half of each root is the kernel's.
struct TaskInference {
  let reader: GuestMemoryReader

  /// The inferred layout, and the first task.
  struct Result {
    let start: UInt64
    var layout: TaskLayout
  }

  /// The most bytes examined before and after a task's name.
  private static let before = 8192
  private static let behind = 4096
  private static let mmSize = 4096
  private static let nameCandidates = 64
  /// The most tasks against which each guess is checked.
  private static let taskLimit = 512
  /// The fewest tasks in a list that does not close because one of them is corrupt.
  private static let leastOpen = 16
  /// The most nodes and roots examined in total, so that a memory crafted to mislead the search cannot take long.
  private static let effort = 1 << 20
  /// The cost of comparing all the memory around three names.
  private static let windowCost = 64

  /// - Parameter types: the layout, if type information has it and only the first task is missing.
  func run(_ kernelImage: KernelImage, types: TaskLayout?) -> Result? {
    var effort = TaskInference.effort
    var best: (result: Result, count: Int)?
    for name in names(in: kernelImage) {
      if let types {
        let start = name &- UInt64(types.comm)
        let task = TaskReader(reader: reader, layout: types, start: start)
        guard task.pid(at: start) == 0 else { continue }
        let list = task.list()
        if list.isClosed, list.tasks.count > best?.count ?? 1,
          areNames(list.tasks.map { $0 &+ UInt64(types.comm) })
        {
          best = (Result(start: start, layout: types), list.tasks.count)
        }
      } else if let found = infer(from: name, &effort), found.count > best?.count ?? 1 {
        best = found
      }
    }
    return best?.result
  }

  /// The addresses of `swapper` or `swapper/0` in a field with the size of a task name.
  private func names(in kernelImage: KernelImage) -> [UInt64] {
    let swap = UInt64(0x7061_7773)
    var found: [UInt64] = []
    kernelImage.forEachPage(reader) { address, page in
      for offset in stride(from: 0, to: Int(Frame.size), by: 4)
      where page.entry(at: offset, size: 4) == swap {
        let here = address &+ UInt64(offset)
        guard let bytes = reader.bytes(at: here, count: TaskLayout.commSize) else { continue }
        let text = bytes.prefix { $0 != 0 }
        if text.elementsEqual("swapper/0".utf8) || text.elementsEqual("swapper".utf8) { found.append(here) }
      }
      return found.count < TaskInference.nameCandidates
    }
    return found
  }

  private func infer(from name: UInt64, _ effort: inout Int) -> (result: Result, count: Int)? {
    var best: (result: Result, count: Int)?
    let size = reader.pointerSize
    for distance in stride(from: -TaskInference.before, to: TaskInference.behind, by: 4) {
      let head = name &+ UInt64(bitPattern: Int64(distance))
      guard head % UInt64(size) == 0, let next = reader.pointer(at: head), next != head, next != 0,
        next % UInt64(size) == 0,
        reader.pointer(at: next &+ UInt64(size)) == head
      else { continue }
      // From a node of the list to the name in the same task.
      let toName = 0 &- UInt64(bitPattern: Int64(distance))
      guard isName(next &+ toName) else { continue }
      guard effort > 0 else { break }
      let walk = ListWalk.intactNodes(head: head, reader: reader, limit: min(effort, TaskReader.listLimit))
      effort -= walk.nodes.count
      let least = walk.isClosed ? 3 : TaskInference.leastOpen
      guard walk.nodes.count >= max(least, (best?.count ?? 0) + 1) else { continue }
      let all = walk.nodes.map { $0 &+ toName }
      // Near a corrupt task, neighbours may have lost their names, too.
      let names = walk.isClosed ? all : all.filter(isName)
      guard walk.isClosed ? areNames(all) : names.count * 2 > all.count, names.count >= least,
        let found = offsets(first: name, names, list: distance, walk.isClosed ? .none : .some, &effort)
      else {
        continue
      }
      best = (found, walk.nodes.count)
    }
    return best
  }

  /// All offsets, relative to the name; the task is taken to start at the lowest of them.
  private func offsets(
    first: UInt64, _ others: [UInt64], list: Int, _ tolerance: Tolerance, _ effort: inout Int
  )
    -> Result?
  {
    // The memory around the three names that is readable for all of them.
    let three = [first, others[0], others[1]]
    let before = three.map(readableBefore).min() ?? 0
    let length = before + (three.map(readableBehind).min() ?? 0)
    let windows = three.compactMap { reader.bytes(at: $0 &- UInt64(before), count: length) }
    guard windows.count == 3 else { return nil }
    let (swapper, one, two) = (windows[0], windows[1], windows[2])
    let numbers = stride(from: 0, to: length, by: 4).filter { offset in
      swapper.span.bytes.entry(at: offset, size: 4) == 0 && one.span.bytes.entry(at: offset, size: 4) == 1
        && two.span.bytes.entry(at: offset, size: 4) == 2
    }
    let sample = others.prefix(TaskInference.taskLimit)
    effort -= TaskInference.windowCost + numbers.count * sample.count
    guard effort > 0 else { return nil }
    let pids = numbers.filter { areDistinct(sample, offset: $0 - before, tolerance) }
    // The pid precedes the thread group's id, which is equal to it for every task in the list.
    guard let pid = pids.first(where: { pids.contains($0 + 4) }) ?? pids.first else { return nil }
    let size = reader.pointerSize
    for offset in stride(from: 0, to: length - 2 * size, by: 4) {
      let mm = one.span.bytes.entry(at: offset, size: size)
      // After its own memory descriptor, a task stores the one in use: the same for a process, a borrowed one for
      // kernel threads.
      guard mm != 0, (first &+ UInt64(offset) &- UInt64(before)) % UInt64(size) == 0,
        one.span.bytes.entry(at: offset + size, size: size) == mm,
        swapper.span.bytes.entry(at: offset, size: size) == 0,
        two.span.bytes.entry(at: offset, size: size) == 0,
        let pgd = rootOffset(sample, mmOffset: offset - before, tolerance, &effort)
      else { continue }
      // Every process points at itself as its group leader; if this is not found, the task starts at the lowest
      // known member.
      let own = startOffset(windows, [first, others[0], others[1]], sample, before: before, tolerance)
      let lowest = [list, pid - before, offset - before, 0, own ?? 0].min() ?? 0
      let layout = TaskLayout(
        tasks: list - lowest, pid: pid - before - lowest, comm: -lowest,
        mm: offset - before - lowest, pgd: pgd)
      return Result(start: first &+ UInt64(bitPattern: Int64(lowest)), layout: layout)
    }
    return nil
  }

  /// Where a task starts, relative to the name: the lowest place inside the task that every task points at.
  private func startOffset(
    _ windows: [[UInt8]], _ names: [UInt64], _ sample: some Collection<UInt64>, before: Int,
    _ tolerance: Tolerance
  ) -> Int? {
    let size = reader.pointerSize
    let mask: UInt64 = size == 4 ? 0xffff_ffff : .max
    var targets: [(target: Int, member: Int)] = []
    for offset in stride(from: 0, to: (windows.first?.count ?? 0) - size, by: 4) {
      let distances = zip(windows, names).map { window, name in
        (name &- window.span.bytes.entry(at: offset, size: size)) & mask
      }
      guard let distance = distances.first, distance <= UInt64(TaskInference.before),
        distances.allSatisfy({ $0 == distance })
      else { continue }
      targets.append((-Int(distance), offset - before))
    }
    return targets.sorted { $0.target < $1.target }.first { target, member in
      tolerance.accepts(sample) { name in
        reader.pointer(at: name &+ UInt64(bitPattern: Int64(member)))
          == (name &+ UInt64(bitPattern: Int64(target))) & mask
      }
    }?.target
  }

  /// How many bytes before a name can be read, up to the limit.
  private func readableBefore(_ name: UInt64) -> Int {
    var start = name & ~(Frame.size - 1)
    while name &- start < UInt64(TaskInference.before), isReadable(start &- 1) {
      start &-= Frame.size
    }
    return min(Int(name &- start), TaskInference.before) & ~7
  }

  /// How many bytes from a name on can be read, up to the limit.
  private func readableBehind(_ name: UInt64) -> Int {
    var end = (name & ~(Frame.size - 1)) &+ Frame.size
    while end &- name < UInt64(TaskInference.behind), isReadable(end) { end &+= Frame.size }
    return min(Int(end &- name), TaskInference.behind) & ~7
  }

  private func isReadable(_ address: UInt64) -> Bool { reader.unsigned(at: address, size: 1) != nil }

  private func areDistinct(_ names: some Collection<UInt64>, offset: Int, _ tolerance: Tolerance) -> Bool {
    var seen: Set<UInt64> = []
    return tolerance.accepts(names) { name in
      guard let pid = reader.unsigned(at: name &+ UInt64(bitPattern: Int64(offset)), size: 4) else {
        return false
      }
      return pid > 0 && pid < TaskReader.pidLimit && seen.insert(pid).inserted
    }
  }

  /// The first offset in a process's memory descriptor that leads to a root in every process.
  private func rootOffset(
    _ names: some Collection<UInt64>, mmOffset: Int, _ tolerance: Tolerance, _ effort: inout Int
  ) -> Int? {
    guard let half = KernelRootEntries(reader) else { return nil }
    let memories = names.compactMap { name in
      reader.pointer(at: name &+ UInt64(bitPattern: Int64(mmOffset))).flatMap { $0 == 0 ? nil : $0 }
    }
    return stride(from: 0, to: TaskInference.mmSize, by: reader.pointerSize).first { offset in
      tolerance.accepts(memories) { mm in
        effort -= 1
        guard effort > 0, let pgd = reader.pointer(at: mm &+ UInt64(offset)), pgd != 0 else { return false }
        return reader.physical(of: pgd).map(half.holds) ?? false
      }
    }
  }

  /// Whether a task's name is there: printable characters, then 0, in a field of its size.
  private func isName(_ address: UInt64) -> Bool { nameLength(address).map { $0 > 0 } ?? false }

  /// Whether these are the names of tasks: a process may have an empty name, but most do not.
  private func areNames(_ addresses: [UInt64]) -> Bool {
    var named = 0
    for address in addresses {
      guard let length = nameLength(address) else { return false }
      if length > 0 { named += 1 }
    }
    return named * 2 > addresses.count
  }

  private func nameLength(_ address: UInt64) -> Int? {
    guard let bytes = reader.bytes(at: address, count: TaskLayout.commSize),
      let end = bytes.firstIndex(of: 0)
    else { return nil }
    return bytes[..<end].allSatisfy { $0 >= 0x20 && $0 != 0x7f } ? end : nil
  }
}
