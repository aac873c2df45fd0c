import MemoryImages
import PageTables

/// A Linux guest, known only from its memory: its symbols, types and processes.
///
/// Each part can be missing, because the memory lacks it or holds something else; `notes` say how each became
/// known.
package struct LinuxGuest: Sendable {
  /// The kernel's own space, or in its place that of a process with the same kernel half.
  package let kernel: AddressSpace
  package let vmcoreinfo: Vmcoreinfo?
  package let symbols: KernelSymbols?
  package let types: TypeInformation?
  /// Loaded modules, the newest first.
  package let modules: [KernelModule]
  package let tasks: GuestTasks?
  /// One line for each part: how it became known, or why it is missing.
  package let notes: [String]

  /// Reads the regions of processes; nil where neither types nor inference gave their layout.
  let regionReader: UserRegionReader?

  /// Finds the uses of frames; nil where the page array cannot be found.
  let pages: PageDescriptors?

  /// Reads what the kernel keeps in entries.
  let entryReader: LinuxEntryReader

  /// Another kernel in the same memory; nil where there is no sign of one.
  package var other: OtherKernel? { others.first }

  /// At most one; an array, because a struct cannot contain itself directly.
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

  /// Reads the guest as far as its memory permits.
  ///
  /// - Parameters:
  ///   - spaces: the known spaces; if there are none, the guest's VMCOREINFO leads to the kernel's.
  ///   - features: used for schemes that no known space has.
  ///   - progress: gets the fraction of memory searched, 0 to 1, where a search is needed; returning false stops
  ///     it.
  /// - Returns: nil when nothing in the memory is recognized as Linux.
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

  /// The same guest at another moment of its memory; nil where it has to be looked for again, as after a reboot or
  /// when modules were loaded.
  func next(in image: MemoryImage, spaces: FoundSpaces) -> LinuxGuest? {
    guard other == nil else { return nil }
    var search = LinuxSearch(image: image, spaces: spaces, features: ProcessorFeatures())
    return search.run(after: self)
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
