import PageTables

#if LibKdumpfile
  /// Opens what the system's libkdumpfile reads: kdump-compressed, diskdump, LKCD, Xen cores.
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    var notes = ElfNotes()
    var header: KdumpHeader?
    if file.matches("KDUMP   ", at: 0) || file.matches("DISKDUMP", at: 0) {
      let found = try KdumpHeader(file, path: path)
      notes = found.notes(file)
      header = found
    }
    let library = try KdumpLibrary(descriptor, path: path)
    notes.vmcoreinfo = notes.vmcoreinfo ?? library.vmcoreinfo()
    let machine = header?.machine ?? library.machine
    let memory = KdumpMemory(library, file, header: header)
    guard !memory.extent.readable.ranges.isEmpty else {
      throw .corrupt(path, offset: 0, problem: "its page bitmap says that it holds no page")
    }
    var warnings = notes.warnings
    if memory.missing > 0 { warnings.append("the file ends early: \(pageCount(memory.missing)) missing") }
    return MemoryImage(
      memory: memory, format: "kdump", name: path, machine: machine, notes: notes,
      warnings: warnings)
  }
#else
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    throw .unsupported(
      path, feature: "is for libkdumpfile, which this build leaves out; build it with the trait LibKdumpfile")
  }
#endif
