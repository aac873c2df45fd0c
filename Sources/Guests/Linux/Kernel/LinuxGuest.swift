import MemoryImages
import PageTables

/// A Linux guest, known by nothing but its memory: its symbols, types and processes.
///
/// Each part can be absent, where the memory lacks it or holds something else; `notes` say how each was
/// known.
package struct LinuxGuest: Sendable {
  /// The kernel's own space, or a process's whose kernel half stands for it.
  package let kernel: AddressSpace
  package let vmcoreinfo: Vmcoreinfo?
  package let symbols: KernelSymbols?
  package let types: TypeInformation?
  /// Loaded modules, the newest first.
  package let modules: [KernelModule]
  package let tasks: GuestTasks?
  /// How each part was known, or why it is absent: one line each.
  package let notes: [String]

  /// Knows the regions of processes; nil where neither types nor inference led to them.
  let regionReader: UserRegionReader?

  /// Knows what frames are used for; nil where the page array cannot be found.
  let pages: PageDescriptors?

  /// Knows what the kernel keeps in entries.
  let entryReader: LinuxEntryReader

  /// Another kernel in the same memory; nil where nothing says that there is one.
  package var other: OtherKernel? { others.first }

  /// At most one; a list, as one guest cannot be a part of another otherwise.
  private var others: [OtherKernel] = []

  /// The kernel's memory, read through its own tables.
  package let reader: GuestMemoryReader

  /// `uname -r` of the guest.
  package var release: String? {
    if let release = vmcoreinfo?.release { return release }
    guard let names = symbols?.address(of: "init_uts_ns"),
      let offset = types?.offset(of: "name.release", in: "uts_namespace")
    else { return nil }
    return reader.string(at: names &+ UInt64(offset), limit: 65)
  }

  /// Knows the guest as far as its memory tells.
  ///
  /// - Parameters:
  ///   - spaces: what is known of its spaces; where that is nothing, its VMCOREINFO leads to the kernel's.
  ///   - features: for a scheme that no known space has.
  ///   - progress: gets the part of memory searched, 0 to 1, where a search is needed; answering false stops it.
  /// - Returns: nil when nothing in it is known to be Linux.
  package static func read(
    _ image: MemoryImage, spaces: FoundSpaces, features: ProcessorFeatures = ProcessorFeatures(),
    progress: @escaping (Double) -> Bool = { _ in true }
  ) -> LinuxGuest? {
    var search = LinuxSearch(image: image, spaces: spaces, features: features)
    guard var guest = search.run(progress) else { return nil }
    guest.others = [
      OtherKernelSearch(image: image, spaces: spaces, features: features, guest: guest).run(progress)
    ].compactMap(\.self)
    return guest
  }

  init(_ search: LinuxSearch, reader: GuestMemoryReader) {
    self.reader = reader
    kernel = reader.space
    vmcoreinfo = search.info
    symbols = search.symbols
    types = search.types
    modules = search.modules
    tasks = search.tasks
    let typed = types.flatMap { types in
      UserRegionReader(types, reader)?.withGate(types, search.symbols)
    }
    regionReader =
      typed
      ?? UserRegionInference(
        reader: reader, symbols: search.symbols, memories: search.tasks?.tasks.compactMap(\.memory) ?? []
      ).run()
    entryReader = LinuxEntryReader(symbols, types, pointerSize: reader.pointerSize)
    pages = PageDescriptors(search, reader, paths: regionReader?.paths)
    let isInferred = typed == nil && regionReader != nil
    notes =
      search.notes + (isInferred ? ["regions: inferred, from what a process's regions have in common"] : [])
      + [pages?.note ?? "frames: no page array found"]
  }
}
