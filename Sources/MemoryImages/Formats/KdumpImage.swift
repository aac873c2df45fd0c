import PageTables

#if LibKdumpfile
  /// Opens what the system's libkdumpfile reads: kdump-compressed, diskdump, LKCD, Xen cores.
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    var notes = ElfNotes()
    var machine: Machine?
    if file.matches("KDUMP   ", at: 0) || file.matches("DISKDUMP", at: 0) {
      let header = try KdumpHeader(file, path: path)
      notes = header.notes(file)
      machine = header.machine
    }
    let library = try KdumpLibrary(descriptor, path: path)
    notes.vmcoreinfo = notes.vmcoreinfo ?? library.vmcoreinfo()
    let libraryMachine = library.machine
    let memory = KdumpMemory(library)
    guard !memory.extent.readable.ranges.isEmpty else {
      throw .corrupt(path, offset: 0, problem: "its page bitmap says that it holds no page")
    }
    return MemoryImage(
      memory: memory, format: "kdump", name: path, machine: machine ?? libraryMachine, notes: notes,
      warnings: notes.warnings)
  }

  /// Physical memory behind libkdumpfile.
  final class KdumpMemory: PhysicalMemory {
    private let library: KdumpLibrary
    let extent: MemoryExtent

    init(_ library: consuming KdumpLibrary) {
      let readable = library.pages("file.pagemap")
      let memory = library.pages("memory.pagemap")
      extent = MemoryExtent(
        readable: readable, physical: PhysicalRanges(memory.ranges + readable.ranges), dumped: readable)
      self.library = library
    }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
      var page = PageBuffer()
      guard library.read(address.frameStart.value, into: &page) else { throw .notInDump }
      return page.withBytes(body)
    }
  }
#else
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    throw .unsupported(
      path, feature: "is for libkdumpfile, which this build leaves out; build it with the trait LibKdumpfile")
  }
#endif
