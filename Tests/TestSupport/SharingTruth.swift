import Foundation
import PageTables

/// What a sample's truth files and the bytes of its capture say about sharing. Nothing here asks the engine.
package struct SharingTruth: Sendable {
  package typealias PageNumber = UInt64

  /// A page of a user process.
  package struct UserPage: Hashable, Comparable, Sendable {
    package let pid: Int
    package let va: UInt64

    package init(pid: Int, va: UInt64) {
      self.pid = pid
      self.va = va
    }

    package static func < (left: UserPage, right: UserPage) -> Bool {
      (left.pid, left.va) < (right.pid, right.va)
    }
  }

  /// A page of 4 KiB that the kernel maps outside its direct map, and the user pages on the same frame.
  package struct KernelPage: Hashable, Sendable {
    package let va: UInt64
    package let frame: PageNumber
    /// In ascending (pid, VA).
    package let users: [UserPage]
  }

  /// A page of memory that is read as a table of one level, the root's being 0.
  package struct Table: Hashable, Sendable {
    package let address: UInt64
    package let level: Int

    package init(address: UInt64, level: Int) {
      self.address = address
      self.level = level
    }
  }

  /// Who reaches a table.
  package struct Reach: Hashable, Sendable {
    /// The roots, by address.
    package var roots: Set<UInt64> = []
    /// Entries that point at it, over all distinct tables.
    package var parents = 0
  }

  /// Address of the root table of every space, in the order of the truth's list, each once; under isolation the
  /// kernel's copy before the user's.
  package let roots: [UInt64]
  /// Every frame that the CPU maps for some user process, with all its pages in ascending (pid, VA). The guest's
  /// kernel reports them; left out are pages that it keeps from the CPU (PROT_NONE), and, as the kernel does not
  /// report them, those that have no `struct page` (a device's) and the vsyscall page. Two processes in one space
  /// count both.
  package let users: [PageNumber: [UserPage]]
  /// VA − PA in the kernel's direct map (wrapping): the difference by which the kernel's half maps most of the
  /// frames that user processes have. Bytes alone do not tell: the guests' window to PCI's configuration space is
  /// as large as their RAM.
  package let directMapOffset: UInt64
  /// Every page that the kernel maps in its half for itself alone, outside its direct map, on a frame that a user
  /// process maps; in ascending VA. Seen from all roots on the kernel's side.
  package let mirrors: [KernelPage]
  /// Every table that some root reaches and the capture holds.
  package let tables: [Table: Reach]

  /// The frames that user processes map more than once, with all their pages.
  package var sharedFrames: [PageNumber: [UserPage]] { users.filter { $0.value.count > 1 } }

  package init(_ guest: GuestTruth) throws {
    let leaves = try guest.leaves()
    let processes = try guest.roots()
    var roots: [UInt64] = []
    for root in processes.flatMap(guest.rootAddresses) where !roots.contains(root) { roots.append(root) }
    self.roots = roots
    users = try SharingTruth.users(guest, processes, leaves)
    let kernelHalf: UInt64 =
      switch guest.schemeName {
      case "x86-64": 0xffff_8000_0000_0000
      case "x86-64-la57": 0xff00_0000_0000_0000
      default: 0xc000_0000
      }
    let kernel = leaves.filter { leaf in
      leaf.va >= kernelHalf && leaf.root.map { !guest.isUserCopy($0) } ?? true
    }
    directMapOffset = SharingTruth.commonestOffset(kernel, users)
    mirrors = SharingTruth.mirrors(in: kernel, outside: directMapOffset, users)
    tables = try PlainTableReader(guest).reach(of: roots)
  }

  /// Every table that some roots reach and the capture holds.
  package static func tables(
    _ guest: GuestTruth, reachedFrom roots: [UInt64]
  ) throws -> [Table: Reach] {
    try PlainTableReader(guest).reach(of: roots)
  }

  private static func users(
    _ guest: GuestTruth, _ processes: [GuestTruth.Root], _ leaves: [GuestTruth.Leaves]
  ) throws -> [PageNumber: [UserPage]] {
    // What the CPU sees: under isolation, in user mode.
    let root = processes.reduce(into: [:] as [Int: UInt64]) { roots, process in
      roots[process.pid] = guest.rootAddresses(of: process).last
    }
    let seen = Dictionary(grouping: leaves.filter { $0.root != nil }, by: { $0.root ?? 0 })
    var users: [PageNumber: [UserPage]] = [:]
    for run in try guest.pages() where run.flags.contains("P") {
      let mapped = root[run.pid].flatMap { seen[$0] } ?? []
      for index in 0..<run.count {
        let va = run.va + index * 4096
        guard mapped.contains(where: { $0.va <= va && va - $0.va < $0.count * $0.pageSize }) else { continue }
        users[run.pfn + index, default: []].append(UserPage(pid: run.pid, va: va))
      }
    }
    return users.mapValues { $0.sorted() }
  }

  private static func commonestOffset(
    _ kernel: [GuestTruth.Leaves], _ users: [PageNumber: [UserPage]]
  ) -> UInt64 {
    let frames = users.keys.sorted()
    var covered: [UInt64: Int] = [:]
    for leaf in kernel {
      let bytes = leaf.count * leaf.pageSize
      let count = frames.count { $0 << 12 >= leaf.pa && $0 << 12 - leaf.pa < bytes }
      covered[leaf.va &- leaf.pa, default: 0] += count
    }
    return covered.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
  }

  private static func mirrors(
    in kernel: [GuestTruth.Leaves], outside directMapOffset: UInt64, _ users: [PageNumber: [UserPage]]
  ) -> [KernelPage] {
    var pages: [UInt64: KernelPage] = [:]
    for leaf in kernel where leaf.va &- leaf.pa != directMapOffset && !leaf.flags.contains("U") {
      for offset in stride(from: 0, to: leaf.count * leaf.pageSize, by: 4096) {
        let frame = (leaf.pa + offset) >> 12
        guard let sharers = users[frame] else { continue }
        pages[leaf.va + offset] = KernelPage(va: leaf.va + offset, frame: frame, users: sharers)
      }
    }
    return pages.values.sorted { $0.va < $1.va }
  }
}

/// Reads page tables out of an ELF core plainly: what makes an entry point at a table, and the address there, and nothing
/// else.
struct PlainTableReader {
  struct NotACore: Error {}

  private let bytes: [UInt8]
  /// Offset in the file of each 4 KiB page.
  private var pages: [UInt64: Int] = [:]
  private let entrySize: Int
  /// For every level: entries in a table, and whether an entry may be a leaf although there is another level.
  private let levels: [(count: Int, hasPages: Bool)]
  /// The table that an entry points at; nil where it does not. Told whether it might be a leaf.
  private let pointer: (_ entry: UInt64, _ mayBeLeaf: Bool) -> UInt64?

  init(_ guest: GuestTruth) throws {
    let levels: [(count: Int, hasPages: Bool)] =
      switch guest.schemeName {
      case "x86-32": [(1024, true), (1024, false)]
      case "x86-pae": [(4, false), (512, true), (512, false)]
      case "x86-64": [(512, false), (512, true), (512, true), (512, false)]
      default: [(512, false), (512, false), (512, true), (512, true), (512, false)]
      }
    // Bit 0 is present, bit 7 makes a page of what could be one.
    try self.init(
      guest.capturePath, entrySize: guest.schemeName == "x86-32" ? 4 : 8, levels: levels
    ) { entry, mayBeLeaf in
      entry & 1 == 1 && !(mayBeLeaf && entry & 0x80 != 0) ? entry & 0x000f_ffff_ffff_f000 : nil
    }
  }

  init(_ guest: OtherGuestTruth) throws {
    if guest.hasTwoWindows {
      // 0b11 above the last level is a table; the address is bits 47:12.
      try self.init(guest.capturePath, entrySize: 8, levels: .init(repeating: (512, true), count: 4)) {
        entry, _ in
        entry & 3 == 3 ? entry & 0xffff_ffff_f000 : nil
      }
    } else {
      // V without R, W and X; the page's number is bits 53:10.
      try self.init(guest.capturePath, entrySize: 8, levels: .init(repeating: (512, true), count: 5)) {
        entry, _ in
        entry & 0xf == 1 ? (entry >> 10 & 0xfff_ffff_ffff) << 12 : nil
      }
    }
  }

  private init(
    _ path: String, entrySize: Int, levels: [(count: Int, hasPages: Bool)],
    pointer: @escaping (_ entry: UInt64, _ mayBeLeaf: Bool) -> UInt64?
  ) throws {
    bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    self.entrySize = entrySize
    self.levels = levels
    self.pointer = pointer
    // ELF-64, System V gABI chapters 4 and 5: e_phoff at 32, e_phentsize at 54, e_phnum at 56; in a program header
    // p_type at 0 (PT_LOAD is 1), p_offset at 8, p_paddr at 24, p_filesz at 32.
    guard bytes.count > 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { throw NotACore() }
    let table = Int(number(32, 8))
    for index in 0..<Int(number(56, 2)) {
      let header = table + index * Int(number(54, 2))
      guard number(header, 4) == 1 else { continue }
      for offset in stride(from: 0, to: number(header + 32, 8), by: 4096) {
        pages[number(header + 24, 8) + offset] = Int(number(header + 8, 8) + offset)
      }
    }
  }

  private func number(_ offset: Int, _ size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }

  /// Every table that the roots reach.
  func reach(of roots: [UInt64]) -> [SharingTruth.Table: SharingTruth.Reach] {
    var reach: [SharingTruth.Table: SharingTruth.Reach] = [:]
    var below: [SharingTruth.Table: [SharingTruth.Table]] = [:]
    for root in roots {
      var open = [SharingTruth.Table(address: root, level: 0)]
      while let table = open.popLast() {
        guard pages[table.address & ~0xfff] != nil else { continue }
        guard reach[table, default: .init()].roots.insert(root).inserted else { continue }
        if below[table] == nil { below[table] = children(of: table) }
        open += below[table] ?? []
      }
    }
    for children in below.values {
      for child in children where reach[child] != nil { reach[child]?.parents += 1 }
    }
    return reach
  }

  /// The tables that the entries of a table point at, one for each entry.
  private func children(of table: SharingTruth.Table) -> [SharingTruth.Table] {
    guard table.level + 1 < levels.count, let page = pages[table.address & ~0xfff] else { return [] }
    let level = levels[table.level]
    return (0..<level.count).compactMap { slot in
      let entry = number(page + Int(table.address & 0xfff) + slot * entrySize, entrySize)
      return pointer(entry, level.hasPages).map { SharingTruth.Table(address: $0, level: table.level + 1) }
    }
  }
}
