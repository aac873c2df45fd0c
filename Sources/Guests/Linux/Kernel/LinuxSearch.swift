import MemoryImages
import PageTables

/// Collects what is known of a Linux guest, each part in the best available way.
struct LinuxSearch {
  let image: MemoryImage
  let spaces: FoundSpaces
  let features: ProcessorFeatures
  private(set) var info: Vmcoreinfo?
  private(set) var symbols: KernelSymbols?
  private(set) var types: TypeInformation?
  private(set) var modules: [KernelModule] = []
  private(set) var tasks: GuestTasks?
  private(set) var notes: [String] = []

  /// The most bytes searched for VMCOREINFO where there is another way.
  private static let quickSearch: UInt64 = 1 << 30

  init(image: MemoryImage, spaces: FoundSpaces, features: ProcessorFeatures) {
    self.image = image
    self.spaces = spaces
    self.features = features
  }

  /// Nil where nothing of Linux is found: neither symbols nor types nor tasks.
  mutating func run(_ progress: @escaping (Double) -> Bool) -> LinuxGuest? {
    guard let space = findKernel(progress) else { return nil }
    return read(space)
  }

  /// The same for a kernel that was found through its VMCOREINFO in memory.
  mutating func run(_ info: Vmcoreinfo, of space: AddressSpace) -> LinuxGuest? {
    self.info = info
    return read(space)
  }

  private mutating func read(_ space: AddressSpace) -> LinuxGuest? {
    var reader = GuestMemoryReader(space, image.memory).rememberingStretches()
    // Only missing parts are searched for by their shape; the image is surveyed only for such searches. A note may
    // be right about one symbol and wrong about another.
    let start = info?.symbols["_stext"].flatMap { reader.physical(of: $0) == nil ? nil : $0 }
    let kernelImage = LazyImage(reader, start: start)
    findSymbols(reader, kernelImage)
    if info == nil, let symbols,
      let own = KernelSpace(image: image, spaces: spaces, features: features)
        .own(by: symbols, through: reader)
    {
      reader = GuestMemoryReader(own, image.memory).rememberingStretches()
    }
    findTypes(reader, kernelImage)
    findModules(reader)
    findTasks(reader, kernelImage)
    guard info != nil || symbols != nil || types != nil || tasks != nil else { return nil }
    return LinuxGuest(self, reader: reader)
  }

  /// The guest of an earlier moment as it is now: its kernel, symbols, types and modules are the same, its tasks are
  /// not; nil where that is no more so.
  mutating func run(after earlier: LinuxGuest) -> LinuxGuest? {
    let reader = GuestMemoryReader(earlier.kernel, image.memory).rememberingStretches()
    info = earlier.vmcoreinfo
    symbols = earlier.symbols
    types = earlier.types
    modules = earlier.modules
    // What is read anew says how by itself.
    notes = earlier.notes.filter { note in
      !["tasks", "regions", "frames"].contains { note.hasPrefix($0 + ":") }
    }
    guard earlier.tasks?.isInferred == false, areModulesSame(reader) else { return nil }
    findTasks(reader, LazyImage(reader, start: nil))
    return tasks == nil ? nil : LinuxGuest(self, reader: reader)
  }

  /// Whether the list of modules is as it was: else their symbols are others.
  private func areModulesSame(_ reader: GuestMemoryReader) -> Bool {
    guard let types, let head = symbols?.address(of: "modules"), let list = ModuleReader(types, reader) else {
      return false
    }
    return list.modules(head: head) == modules
  }

  private mutating func findKernel(_ progress: @escaping (Double) -> Bool) -> AddressSpace? {
    let search = VmcoreinfoSearch(image: image)
    let finder = KernelSpace(image: image, spaces: spaces, features: features)
    if let info = search.inNotes() {
      self.info = info
      if info.symbols["swapper_pg_dir"] != nil, let space = finder.find(info) {
        notes.append("VMCOREINFO: a note of the dump")
        return space
      }
      notes.append("VMCOREINFO: the dump's note does not fit its memory")
      self.info = nil
    }
    // If spaces are known, the kernel is found without VMCOREINFO, though with less information.
    let limit = spaces.spaces.isEmpty ? UInt64.max : LinuxSearch.quickSearch
    let found = search.inMemory(limit: limit, progress) { info in
      info.symbols["swapper_pg_dir"] == nil ? nil : finder.find(info)
    }
    if let found {
      info = found.info
      notes.append("VMCOREINFO: found at physical \(AddressText.hex(found.at.value))")
      return found.accepted
    }
    if info == nil, notes.isEmpty { notes.append("VMCOREINFO: none") }
    return finder.find(nil)
  }

  private mutating func findSymbols(_ reader: GuestMemoryReader, _ image: LazyImage) {
    if let info, let place = KallsymsAddresses(info),
      takeSymbols(place, reader, "symbols: kallsyms, where VMCOREINFO says")
    {
      return
    }
    guard let place = KallsymsSearch(reader: reader, image: image.value).run(),
      takeSymbols(
        place, reader, "symbols: kallsyms, found by its shape at \(AddressText.hex(place.names))")
    else {
      notes.append("symbols: none found")
      return
    }
  }

  /// Whether there are symbols that do not contradict what is known.
  private mutating func takeSymbols(
    _ place: KallsymsAddresses, _ reader: GuestMemoryReader, _ note: String
  ) -> Bool {
    guard let table = Kallsyms(place, reader) else { return false }
    var found = table.symbols()
    found.finish()
    for name in ["_stext", "swapper_pg_dir", "init_uts_ns"] {
      let addresses = found.addresses(of: name)
      if let known = info?.symbols[name], !addresses.isEmpty, !addresses.contains(known) { return false }
    }
    symbols = found
    let missing = table.count - found.count
    notes.append(missing == 0 ? note : note + "; \(missing) of \(table.count) cannot be read")
    return true
  }

  private mutating func findTypes(_ reader: GuestMemoryReader, _ image: LazyImage) {
    if let start = symbols?.address(of: "__start_BTF"),
      let types = TypeSearch.types(at: start, reader)
    {
      self.types = types
      notes.append("types: BTF, at __start_BTF")
    } else if let found = TypeSearch(reader: reader, image: image.value).run() {
      types = found.types
      notes.append("types: BTF, found by its header at \(AddressText.hex(found.address))")
    } else {
      notes.append("types: none found")
    }
  }

  private mutating func findModules(_ reader: GuestMemoryReader) {
    let modules: ModuleReader
    let head: UInt64
    if let types, let known = symbols?.address(of: "modules"), let typed = ModuleReader(types, reader) {
      (modules, head) = (typed, known)
    } else {
      let areas = VmallocReader.areas(types, info, symbols, reader)
      guard let found = KernelModuleInference(reader: reader, areas: areas).run() else { return }
      (modules, head) = found
      notes.append("modules: inferred, from a list of names in memory that the kernel allocated")
    }
    self.modules = modules.modules(head: head)
    guard var all = symbols else { return }
    symbols = nil
    var budget = ModuleReader.symbolLimit
    for module in self.modules { modules.addSymbols(of: module, to: &all, budget: &budget) }
    all.finish()
    symbols = all
  }

  private mutating func findTasks(_ reader: GuestMemoryReader, _ image: LazyImage) {
    let layout = types.flatMap { TaskLayout($0) }
    if let layout, let start = symbols?.address(of: "init_task"), findTasks(reader, layout, start) {
      notes.append("tasks: from init_task, offsets from BTF")
      return
    }
    let inference = TaskInference(reader: reader)
    if var found = inference.run(image.value, types: layout) {
      if layout == nil {
        let threads = KernelThreadInference(reader: reader, layout: found.layout, start: found.start)
        found.layout = threads.run()
        found.layout.threads = ThreadListInference(
          reader: reader, layout: found.layout, start: found.start
        ).run()
      }
      guard findTasks(reader, found.layout, found.start) else { return }
      tasks?.isInferred = layout == nil
      notes.append(
        layout == nil
          ? "tasks: inferred, from the task called swapper and a list that closes"
          : "tasks: the first one inferred from its name, offsets from BTF")
      return
    }
    notes.append("tasks: none found")
  }

  /// Whether the list that starts there contains tasks.
  private mutating func findTasks(_ reader: GuestMemoryReader, _ layout: TaskLayout, _ start: UInt64) -> Bool
  {
    let search = TaskSearch(reader: TaskReader(reader: reader, layout: layout, start: start), image: image)
    tasks = search.tasks(
      tree: types.flatMap { PidTree($0, reader) }, namespace: symbols?.address(of: "init_pid_ns"))
    return tasks != nil
  }
}

/// The kernel's image, surveyed on first use.
final class LazyImage {
  private let reader: GuestMemoryReader
  private let start: UInt64?
  private(set) lazy var value = KernelImage(reader, start: start)

  init(_ reader: GuestMemoryReader, start: UInt64?) {
    self.reader = reader
    self.start = start
  }
}
