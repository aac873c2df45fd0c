import PageTables

#if LibKdumpfile
  /// Opens formats that the system's libkdumpfile reads: kdump-compressed, diskdump, LKCD.
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    guard file.matches("KDUMP   ", at: 0) || file.matches("DISKDUMP", at: 0) else {
      return try lkcdImage(file, descriptor: descriptor, path: path)
    }
    let header = try KdumpHeader(file, path: path)
    let notes = header.notes(file)
    let library = try KdumpLibrary(descriptor, path: path, pageSize: header.pageSize)
    let machine = header.machine ?? library.machine ?? machine(ofVmcoreinfo: notes.vmcoreinfo)
    let memory = KdumpMemory(library, file, header: header)
    let missing = "the file ends early: \(pageCount(memory.missing)) missing"
    guard !memory.extent.readable.ranges.isEmpty else {
      throw .corrupt(
        path, offset: header.descriptions,
        problem: memory.missing > 0
          ? missing + ", and no page left" : "its page bitmap says that it holds no page")
    }
    var warnings = notes.warnings
    if memory.missing > 0 {
      warnings.append(missing)
    } else if header.isIncomplete {
      warnings.append("its writer marked it as incomplete: there was no room for all pages")
    }
    if let part = header.part { warnings.append(description(ofPart: part)) }
    return MemoryImage(
      memory: memory, format: "kdump", name: path, machine: machine, notes: notes, warnings: warnings)
  }

  /// QEMU names only x86 machines; others are recognized by VMCOREINFO lines that only their kernels write.
  private func machine(ofVmcoreinfo text: [UInt8]?) -> Machine? {
    let marks: [(String, Machine)] = [
      ("NUMBER(kimage_voffset)=", .aarch64), ("NUMBER(va_kernel_pa_offset)=", .riscv),
    ]
    let lines = text?.split(separator: UInt8(ascii: "\n")) ?? []
    return marks.first { mark, _ in lines.contains { $0.starts(with: mark.utf8) } }?.1
  }

  private func description(ofPart part: Range<UInt64>) -> String {
    "one part of a dump that makedumpfile split: it covers page numbers \(part.lowerBound) to "
      + "\(part.isEmpty ? part.lowerBound : part.upperBound - 1); makedumpfile --reassemble PART PART ... DUMP joins "
      + "the parts"
  }

  private func lkcdImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    let dump = try LkcdDump(file, path: path)
    let library = try KdumpLibrary(descriptor, path: path, pageSize: dump.pageSize)
    let machine = library.machine
    return MemoryImage(
      memory: KdumpMemory(library, file, pages: dump.pages), format: "LKCD", name: path, machine: machine,
      notes: ElfNotes(), warnings: dump.warnings)
  }
#else
  func kdumpImage(
    _ file: consuming MappedFile, descriptor: consuming FileDescriptor, path: String
  ) throws(ImageError) -> MemoryImage {
    throw .unsupported(
      path, feature: "is for libkdumpfile, which this build leaves out; build it with the trait LibKdumpfile")
  }
#endif
