import PageTables

/// A region of a process's memory, as `/proc/PID/maps` lists it.
package struct UserRegion: Hashable, Sendable {
  /// First byte, and one past the last.
  package let range: Range<UInt64>
  /// The raw flags of the kernel's `vm_area_struct`.
  package let flags: UInt64
  /// The page of the file at which the region starts; nil for memory without a file, and where unknown.
  package let pageOffset: UInt64?
  /// A path, or a name in brackets; empty for anonymous memory; `unknownName` where the region maps, or may map, a
  /// file whose name cannot be read. Untrusted text.
  package let name: String

  /// Neither a path nor a name in brackets, so it cannot come from a kernel.
  static let unknownName = "?"

  /// The permissions requested from `mmap`: `rw-p`; the last letter is `s` for shared memory.
  package var permissions: String {
    (flags & 1 != 0 ? "r" : "-") + (flags & 2 != 0 ? "w" : "-") + (flags & 4 != 0 ? "x" : "-")
      + (flags & 0x80 != 0 ? "s" : "p")
  }
}

/// Reads the regions of a process (`fs/proc/task_mmu.c` of the kernel says how they are named).
struct UserRegionReader {
  let reader: GuestMemoryReader
  let paths: FilePaths?
  private let source: Source
  private let area: Area
  private let heap: (start: Int, end: Int)?
  private let stack: Int?
  /// The kernel's region for legacy system calls, which all processes share, and the offset in `mm_struct` that
  /// says whether a process has it; nil where the kernel gives it to none.
  private var gate: (area: UInt64, flags: Int)?
  /// The offsets in `mm_struct` of the start and end of the arguments, and of the environment; nil where unknown.
  private let arguments: (start: Int, end: Int, environment: (start: Int, end: Int)?)?

  /// What holds the regions of a process: a maple tree since 6.1, a list in older kernels.
  enum Source {
    case tree(MapleTree, offset: Int)
    case list(RegionList)

    /// The addresses of the regions of the `mm_struct` at an address.
    func regions(of mm: UInt64) -> [UInt64] {
      switch self {
      case .tree(let tree, let offset): tree.pointers(at: mm &+ UInt64(offset))
      case .list(let list): list.regions(of: mm)
      }
    }
  }

  /// Offsets in `vm_area_struct`.
  struct Area {
    let start: Int
    let end: Int
    let flags: Int
    let pageOffset: Int?
    let file: Int?
    let operations: Int?
    let privateData: Int?
    let anonymousName: Int?
    /// Whether regions of files have room for such a name: in older kernels the name overlapped a field that they
    /// use.
    let filesHaveNames: Bool
    /// The offsets of `name` in a region's operations, of the name in a special mapping, and of the text in a name.
    let nameOperation: Int?
    let specialName: Int?
    let nameText: Int?
    /// Whether offsets are inferred: then names of special mappings are recognized by their brackets, and stacks by
    /// their flag.
    var isInferred = false
  }

  /// `VM_GROWSDOWN`.
  static let growsDown: UInt64 = 0x100

  private static let nameLimit = 256

  /// Nil where the types lack something essential.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let start = offset("vm_start", "vm_area_struct"), let end = offset("vm_end", "vm_area_struct"),
      let flags = offset("vm_flags", "vm_area_struct")
    else { return nil }
    self.reader = reader
    paths = FilePaths(types, reader)
    let name = offset("anon_name", "vm_area_struct")
    let shared = types.member("shared", of: "vm_area_struct")
    let sharedSize = shared.flatMap { types.size(of: $0.type, pointerSize: reader.pointerSize) } ?? 0
    // Corrupt type information may give any size.
    let links = (shared?.offset ?? 0)..<(shared?.offset ?? 0) + min(max(sharedSize, 0), 1 << 16)
    area = Area(
      start: start, end: end, flags: flags, pageOffset: offset("vm_pgoff", "vm_area_struct"),
      file: offset("vm_file", "vm_area_struct"), operations: offset("vm_ops", "vm_area_struct"),
      privateData: offset("vm_private_data", "vm_area_struct"),
      anonymousName: name, filesHaveNames: name.map { !links.contains($0) } ?? false,
      nameOperation: offset("name", "vm_operations_struct"),
      specialName: offset("name", "vm_special_mapping"), nameText: offset("name", "anon_vma_name"))
    if let maple = MapleTree(types, reader), let offset = offset("mm_mt", "mm_struct") {
      source = .tree(maple, offset: offset)
    } else if let list = RegionList(types, reader) {
      source = .list(list)
    } else {
      return nil
    }
    if let start = offset("start_brk", "mm_struct"), let end = offset("brk", "mm_struct") {
      heap = (start, end)
    } else {
      heap = nil
    }
    stack = offset("start_stack", "mm_struct")
    if let start = offset("arg_start", "mm_struct"), let end = offset("arg_end", "mm_struct") {
      let environment = offset("env_start", "mm_struct").flatMap { start in
        offset("env_end", "mm_struct").map { (start, $0) }
      }
      arguments = (start, end, environment)
    } else {
      arguments = nil
    }
  }

  /// The value of `vsyscall_mode` if there is no such page, and `MM_CONTEXT_HAS_VSYSCALL`
  /// (`arch/x86/entry/vsyscall/vsyscall_64.c` and `asm/mmu.h` of the kernel).
  private static let noGate: UInt64 = 2
  private static let hasGate: UInt64 = 2

  /// The same reader, extended by the page for legacy system calls, if the kernel's symbols locate one.
  func withGate(_ types: TypeInformation, _ symbols: KernelSymbols?) -> UserRegionReader {
    guard let area = symbols?.address(of: "gate_vma"),
      let mode = symbols?.address(of: "vsyscall_mode").flatMap({ reader.unsigned(at: $0, size: 4) }),
      mode < UserRegionReader.noGate, let flags = types.offset(of: "context.flags", in: "mm_struct")
    else { return self }
    var result = self
    result.gate = (area, flags)
    return result
  }

  /// With inferred offsets, for kernels without type information.
  init(
    inferred area: Area, source: Source, heap: (start: Int, end: Int)?, stack: Int?,
    arguments: (start: Int, end: Int, environment: (start: Int, end: Int)?)?, paths: FilePaths?,
    _ reader: GuestMemoryReader
  ) {
    self.reader = reader
    self.area = area
    self.paths = paths
    self.heap = heap
    self.stack = stack
    self.arguments = arguments
    self.source = source
  }

  /// The regions of the `mm_struct` at an address, in ascending address.
  func regions(of mm: UInt64) -> [UserRegion] {
    let layout = heap.flatMap { offsets -> ClosedRange<UInt64>? in
      guard let start = reader.pointer(at: mm &+ UInt64(offsets.start)),
        let end = reader.pointer(at: mm &+ UInt64(offsets.end)), start <= end
      else { return nil }
      return start...end
    }
    let stackStart = stack.flatMap { reader.pointer(at: mm &+ UInt64($0)) }
    let regions = source.regions(of: mm).compactMap { address in
      region(at: address, heap: layout, stack: stackStart)
    }.sorted { $0.range.lowerBound < $1.range.lowerBound }
    return regions + (gateRegion(of: mm).map { [$0] } ?? [])
  }

  private func gateRegion(of mm: UInt64) -> UserRegion? {
    guard let gate, let flags = reader.unsigned(at: mm &+ UInt64(gate.flags), size: 2),
      flags & UserRegionReader.hasGate != 0, let region = region(at: gate.area, heap: nil, stack: nil)
    else { return nil }
    return UserRegion(
      range: region.range, flags: region.flags, pageOffset: nil, name: "[vsyscall]")
  }

  /// Where the process's arguments lie in its own memory, and the furthest end of a title written over them: it may
  /// extend into the environment that follows. Nil where the process has none.
  func arguments(of mm: UInt64) -> (range: Range<UInt64>, titleEnd: UInt64)? {
    guard let arguments, let start = reader.pointer(at: mm &+ UInt64(arguments.start)),
      let end = reader.pointer(at: mm &+ UInt64(arguments.end)), start < end
    else { return nil }
    var titleEnd = end
    if let environment = arguments.environment,
      reader.pointer(at: mm &+ UInt64(environment.start)) == end,
      let last = reader.pointer(at: mm &+ UInt64(environment.end)), last > end
    {
      titleEnd = last
    }
    return (start..<end, titleEnd)
  }

  private func region(at address: UInt64, heap: ClosedRange<UInt64>?, stack: UInt64?) -> UserRegion? {
    guard let start = reader.pointer(at: address &+ UInt64(area.start)),
      let end = reader.pointer(at: address &+ UInt64(area.end)), start < end,
      (start | end) & (Frame.size - 1) == 0,
      let flags = reader.pointer(at: address &+ UInt64(area.flags))
    else { return nil }
    // For memory without a file, the offset field only reflects the address.
    let hasFile = pointer(area.file, at: address) != nil
    let offset = hasFile ? area.pageOffset.flatMap { reader.pointer(at: address &+ UInt64($0)) } : nil
    return UserRegion(
      range: start..<end, flags: flags, pageOffset: offset,
      name: name(of: address, start..<end, heap: heap, stack: stack))
  }

  private func name(
    of address: UInt64, _ range: Range<UInt64>, heap: ClosedRange<UInt64>?, stack: UInt64?
  ) -> String {
    if let file = pointer(area.file, at: address) {
      if area.filesHaveNames, let name = anonymousName(of: address) { return "[anon_shmem:\(name)]" }
      return paths?.path(ofFile: file) ?? UserRegion.unknownName
    }
    if area.isInferred || hasNameOperation(address), let special = pointer(area.privateData, at: address),
      let text = pointer(area.specialName, at: special),
      let name = reader.string(at: text, limit: UserRegionReader.nameLimit),
      !area.isInferred || (name.hasPrefix("[") && name.hasSuffix("]"))
    {
      return name
    }
    if let heap, range.lowerBound <= heap.upperBound, range.upperBound >= heap.lowerBound { return "[heap]" }
    if let stack, range.lowerBound <= stack, range.upperBound >= stack { return "[stack]" }
    // If the search for files failed, any region may map one.
    let unnamed = area.isInferred && area.file == nil ? UserRegion.unknownName : ""
    return anonymousName(of: address).map { "[anon:\($0)]" } ?? unnamed
  }

  private func hasNameOperation(_ address: UInt64) -> Bool {
    pointer(area.operations, at: address).flatMap { pointer(area.nameOperation, at: $0) } != nil
  }

  private func anonymousName(of address: UInt64) -> String? {
    guard let name = pointer(area.anonymousName, at: address), let text = area.nameText else { return nil }
    return reader.string(at: name &+ UInt64(text), limit: UserRegionReader.nameLimit)
  }

  /// A pointer member that is not null.
  private func pointer(_ offset: Int?, at address: UInt64) -> UInt64? {
    offset.flatMap { reader.pointer(at: address &+ UInt64($0)) }.flatMap { $0 == 0 ? nil : $0 }
  }
}
