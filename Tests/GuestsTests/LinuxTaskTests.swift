import PageTables
import TestSupport
import Testing

@testable import Guests

@Suite struct LinuxTaskTests {
  @Test func processesHaveTheirNamesAndRoots() throws {
    let guest = try #require(LinuxSystem.usual.guest)
    let tasks = try #require(guest.tasks)
    #expect(guest.kernel.root.value == LinuxMemory.root)
    #expect(guest.release == "6.99.0-test")
    #expect(tasks.tasks.map(\.pid) == [1, 2, 3, 17])
    #expect(tasks.tasks.map(\.name) == ["init", "kthreadd", "kworker/0:0", "shell"])
    #expect(tasks.tasks.map(\.isKernelThread) == [false, true, true, false])
    #expect(tasks[17]?.root?.value == LinuxSystem.root(3))
    #expect(tasks[2]?.root == nil)
    #expect(tasks[1]?.parent == 0)
    #expect(tasks.isListClosed && tasks.hasTree)
    #expect(tasks.missingInList.isEmpty && tasks.missingInTree.isEmpty)
  }

  @Test func aTaskThatTheListLacksIsNamedAndReported() throws {
    let system = LinuxSystem([
      .init(pid: 1, name: "init"), .init(pid: 5, name: "hidden", isListed: false),
      .init(pid: 6, name: "untracked", isInTree: false),
    ])
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.missingInList == [5])
    #expect(tasks.missingInTree == [6])
    #expect(tasks[5]?.name == "hidden")
  }

  @Test func processesThatShareASpaceHaveOneRoot() throws {
    var system = LinuxSystem([
      .init(pid: 1, name: "init"), .init(pid: 8, name: "a"), .init(pid: 9, name: "b"),
    ])
    system.memory.put(LinuxSystem.mm(1), at: LinuxSystem.task(2) + 0x98)
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.tasks.map { $0.root?.value } == [0, 1, 1].map(LinuxSystem.root))
  }

  @Test func threadsBelongToTheirProcess() throws {
    var system = LinuxSystem.usual
    let signal = LinuxMemory.directMap + 0x700_0000
    let thread = LinuxSystem.task(40)
    system.memory.put(signal, at: LinuxSystem.task(3) + 0xb0)
    system.memory.putList(head: signal + 8, nodes: [LinuxSystem.task(3) + 0xc0, thread + 0xc0])
    system.memory.put(18, at: thread + 0x20, size: 4)
    system.memory.put("worker", at: thread + 0x80)
    let task = try #require(system.guest?.tasks?[17])
    #expect(task.threads == [GuestThread(pid: 18, name: "worker")])
  }

  @Test func aListThatRunsInACircleEnds() throws {
    var system = LinuxSystem.usual
    // The third points back at the second.
    system.memory.put(LinuxSystem.task(1) + 0x40, at: LinuxSystem.task(2) + 0x40)
    let tasks = try #require(system.guest?.tasks)
    #expect(!tasks.isListClosed)
    // What the list has lost from its start on it still has from its end.
    #expect(tasks.tasks.map(\.pid) == [1, 2, 3, 17])
    #expect(tasks.missingInList.isEmpty)
  }

  @Test func whereTheListIsEmptyTheTreeTells() throws {
    var system = LinuxSystem.usual
    system.memory.putList(head: LinuxSystem.start + 0x40, nodes: [])
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.tasks.map(\.name) == ["init", "kthreadd", "kworker/0:0", "shell"])
    #expect(tasks.missingInList == [1, 2, 3, 17])
  }

  @Test func aNameWithoutAnEndIsNoTask() throws {
    var system = LinuxSystem.usual
    system.memory.put([UInt8](repeating: 0x41, count: 16), at: LinuxSystem.task(3) + 0x80)
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.tasks.map(\.pid) == [1, 2, 3])
  }

  @Test func aTreeThatHoldsItselfIsGivenUp() throws {
    var system = LinuxSystem.usual
    let node = LinuxMemory.directMap + 0x500_0000
    system.memory.put(node | 2, at: node + 0x20)
    let tasks = try #require(system.guest?.tasks)
    #expect(!tasks.hasTree)
    #expect(tasks.tasks.count == 4)
  }

  /// A tree that leads to one task from two pids.
  @Test func aTaskThatTheTreeHasTwiceIsReportedOnce() throws {
    var system = LinuxSystem([
      .init(pid: 1, name: "init"), .init(pid: 5, name: "hidden", isListed: false),
    ])
    let node = LinuxMemory.directMap + 0x500_0000
    system.memory.put(LinuxSystem.pid(1), at: node + 0x20 + 6 * 8)
    #expect(try #require(system.guest?.tasks).missingInList == [5])
  }

  @Test func argumentsAreReadThroughTheProcesssOwnTables() throws {
    var system = LinuxSystem.usual
    let space = AddressSpace(
      name: "", root: PhysicalAddress(LinuxSystem.root(3)), scheme: system.memory.space.scheme)
    system.memory.memory.map(0x40_0000, to: 0x700_0000, in: space)
    system.memory.put(Array("sh\0-c\0\0".utf8), at: LinuxMemory.directMap + 0x700_0010)
    system.memory.put(0x40_0010, at: LinuxSystem.mm(3) + 0x98)
    system.memory.put(0x40_0017, at: LinuxSystem.mm(3) + 0xa0)
    let guest = try #require(system.guest)
    let shell = try #require(guest.tasks?[17])
    #expect(guest.arguments(of: shell) == ["sh", "-c", ""])
    let kernelThread = try #require(guest.tasks?[2])
    #expect(guest.arguments(of: kernelThread) == nil)
  }

  @Test func underPageTableIsolationTheUsersCopyIsKnown() throws {
    var system = LinuxSystem.usual
    let root = LinuxSystem.root(3)
    let table: UInt64 = 0x700_0000
    system.memory.memory.addPage(table)
    for slot in [300, 301, 302] { system.memory.memory.set(table: root, slot: slot, to: table | 0x63) }
    // User entries are the same in both; of the kernel's, the copy has one.
    for page in [root, root + 0x1000] {
      system.memory.memory.set(table: page, slot: 0, to: table | 0x67)
      system.memory.memory.set(table: page, slot: 511, to: table | 0x63)
    }
    let entry = system.memory.memory.entry(table: LinuxMemory.root, slot: 511) ?? 0
    system.memory.memory.set(table: root, slot: 511, to: entry)
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks[17]?.root?.value == root)
    #expect(tasks[17]?.userRoot?.value == root + 0x1000)
    #expect(tasks[1]?.userRoot == nil)
  }
}

/// Names that the kernel puts together (`wq_worker_comm` of its `kernel/workqueue.c`).
@Suite struct WorkerNameTests {
  /// A worker that is kept for the queue of that name, whose own field has room for 15 bytes of it.
  private func name(comm: String, queue: String) -> String? {
    var memory = LinuxMemory()
    let task = LinuxMemory.image + 0x30_0000
    let (thread, worker, rescued) = (task + 0x1000, task + 0x1100, task + 0x1200)
    memory.put(7, at: task, size: 4)
    memory.put(0x20_0020, at: task + 4, size: 4)
    memory.put(comm, at: task + 0x10)
    memory.put(thread, at: task + 0x28)
    memory.put(worker, at: thread)
    memory.put(rescued, at: worker)
    memory.put(queue, at: rescued + 8)
    var layout = TaskLayout(tasks: 0x40, pid: 0, comm: 0x10, mm: 0x30, pgd: 0)
    layout.flags = 4
    layout.kernelThread = 0x28
    layout.worker = TaskLayout.WorkerOffsets(
      data: 0, description: 0x20, work: 0x50, pool: 0x58, rescued: 0, queueName: 8)
    let reader = TaskReader(
      reader: GuestMemoryReader(memory.space, memory.memory), layout: layout, start: task)
    var threads = 0
    return reader.task(at: task, threadBudget: &threads)?.name
  }

  @Test func aRescuerHasItsQueuesWholeName() {
    #expect(name(comm: "kworker/R-kvfre", queue: "kvfree_rcu_reclaim") == "kworker/R-kvfree_rcu_reclaim")
  }

  @Test func aQueueOfAnotherNameIsNotBelieved() {
    #expect(name(comm: "kworker/R-kvfre", queue: "writeback") == "kworker/R-kvfre")
  }

  @Test func beforeRescuersWereNamedSoTheirNamesStay() {
    #expect(name(comm: "kblockd", queue: "kblockd_and_more") == "kblockd")
  }
}

/// Lists of which a node is destroyed.
@Suite struct DamagedListTests {
  private static let head = LinuxMemory.image + 0x30_0000
  private static let nodes = (1...8).map { head + UInt64($0) * 0x100 }

  private func walk(_ memory: LinuxMemory) -> (nodes: [UInt64], isClosed: Bool) {
    ListWalk.intactNodes(
      head: DamagedListTests.head, reader: GuestMemoryReader(memory.space, memory.memory), limit: 100)
  }

  private var memory: LinuxMemory {
    var memory = LinuxMemory()
    memory.putList(head: DamagedListTests.head, nodes: DamagedListTests.nodes)
    return memory
  }

  @Test func aWholeListIsReadOnce() {
    let found = walk(memory)
    #expect(found.nodes == DamagedListTests.nodes && found.isClosed)
  }

  @Test func bothSidesOfADestroyedNodeAreRead() {
    var memory = memory
    memory.put(0x1234_5678_9abc_def0, at: DamagedListTests.nodes[4])
    memory.put(0x0fed_cba9_8765_4321, at: DamagedListTests.nodes[4] + 8)
    let found = walk(memory)
    #expect(found.nodes == Array(DamagedListTests.nodes[..<4] + DamagedListTests.nodes[5...]))
    #expect(!found.isClosed)
  }

  @Test func aNodeThatLeadsElsewhereIsNotFollowed() {
    var memory = memory
    let lure = DamagedListTests.head + 0x1000
    memory.put(lure, at: DamagedListTests.nodes[2])
    memory.put(lure, at: lure)
    let found = walk(memory)
    #expect(!found.nodes.contains(lure))
    #expect(found.nodes == DamagedListTests.nodes)
  }
}
