import PageTables

/// Writes a capture: an ELF core (System V ABI) that holds only the pages of page tables, the source's notes about
/// CPUs and the kernel, and the address spaces found.
public enum CaptureWriter {
  /// The result of writing a capture.
  public struct Summary: Hashable, Sendable {
    /// Frames in the file.
    public var framesWritten: Int
    /// Frames that the memory could not deliver.
    public var framesMissing: Int
    /// Size of the whole file.
    public var bytes: UInt64
  }

  /// Writes the `frames` of `memory` to `path`: first to a temporary file, which is renamed at the end.
  ///
  /// - Parameters:
  ///   - frames: in any order; repeated ones are written once, unreadable ones are counted and left out.
  ///   - image: the source of the CPU notes, the VMCOREINFO, the machine and the extent.
  ///   - contents: the address spaces, and the names of their regions.
  ///   - force: whether an existing file may be replaced. The source itself never is.
  @discardableResult
  public static func write(
    frames: [Frame], from memory: any PhysicalMemory, image: MemoryImage,
    contents: CaptureContents, to path: String, force: Bool
  ) throws(ImageError) -> Summary {
    guard !isSameFile(path, image.name) else {
      throw .unsupported(path, feature: "is the source itself, which is never written; choose another output")
    }
    var output = try OutputFile(path: path, force: force)
    var runs: [FrameRun] = []
    var written = 0
    var missing = 0
    var last: Frame?
    for frame in frames.sorted() where frame != last {
      last = frame
      guard frame.number <= .max >> UInt64(Frame.shift), isReadable(frame, memory) else {
        missing += 1
        continue
      }
      written += 1
      if let run = runs.last, run.first.number + run.count == frame.number {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(FrameRun(first: frame, count: 1))
      }
    }

    let notes = noteBytes(image: image, extent: memory.extent, contents)
    let headers = CoreHeaders(machine: image.machine ?? .x86_64, runs: runs, noteSize: notes.count)
    try output.write(headers.bytes)
    try output.write(notes)
    try output.write([UInt8](repeating: 0, count: headers.padding))
    for run in runs {
      for number in run.first.number..<run.first.number + run.count {
        try copy(Frame(number), memory, path: path, to: &output)
      }
    }
    try output.commit()
    return Summary(
      framesWritten: written, framesMissing: missing,
      bytes: headers.dataOffset + UInt64(written) * Frame.size)
  }

  private static func isReadable(_ frame: Frame, _ memory: any PhysicalMemory) -> Bool {
    do throws(MissingPage) {
      try memory.withPage(at: frame.start) { _ in }
      return true
    } catch {
      return false
    }
  }

  private static func copy(
    _ frame: Frame, _ memory: any PhysicalMemory, path: String, to output: inout OutputFile
  ) throws(ImageError) {
    var page = PageBuffer()
    do throws(MissingPage) {
      try memory.withPage(at: frame.start) { page.append($0) }
    } catch {
      throw ImageError.system(path, operation: "write", reason: "a page of the source went away")
    }
    try page.write(to: &output)
  }

  private static func noteBytes(
    image: MemoryImage, extent: MemoryExtent, _ contents: CaptureContents
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    for note in image.cpuNotes { append(note, to: &bytes) }
    if let text = image.vmcoreinfo {
      append(ElfNote(name: "VMCOREINFO", type: 0, descriptor: text), to: &bytes)
    }
    let name = CaptureNote.name.description
    let spaces = text(contents.spaceLines)
    append(ElfNote(name: name, type: CaptureNote.spaces, descriptor: spaces), to: &bytes)
    let extentText = CaptureNote.extentText(extent)
    append(ElfNote(name: name, type: CaptureNote.extent, descriptor: Array(extentText.utf8)), to: &bytes)
    if !contents.regionLines.isEmpty {
      let regions = text(contents.regionLines)
      append(ElfNote(name: name, type: CaptureNote.regions, descriptor: regions), to: &bytes)
    }
    return bytes
  }

  private static func text(_ lines: [String]) -> [UInt8] { lines.flatMap { Array($0.utf8) + [0x0a] } }

  private static func append(_ note: ElfNote, to bytes: inout [UInt8]) {
    let name = Array(note.name.utf8) + [0]
    bytes.appendLittleEndian(UInt32(name.count))
    bytes.appendLittleEndian(UInt32(truncatingIfNeeded: note.descriptor.count))
    bytes.appendLittleEndian(note.type)
    bytes += name
    bytes.pad(to: 4)
    bytes += note.descriptor
    bytes.pad(to: 4)
  }
}

/// Consecutive frames: one PT_LOAD.
struct FrameRun {
  var first: Frame
  var count: UInt64
}

/// The headers of a capture: ELF header, program headers, and a section header when there are too many program
/// headers for the ELF header's count.
struct CoreHeaders {
  var bytes: [UInt8] = []
  /// Zero bytes after the notes, so that pages lie at page boundaries.
  var padding: Int
  var dataOffset: UInt64

  private static let headerSize = 64
  private static let segmentSize = 56
  private static let sectionSize = 64
  private static let countInSection = 0xffff

  init(machine: Machine, runs: [FrameRun], noteSize: Int) {
    let count = runs.count + 1
    let hasSection = count >= Self.countInSection
    let sectionOffset = Self.headerSize + count * Self.segmentSize
    let noteOffset = sectionOffset + (hasSection ? Self.sectionSize : 0)
    let pageSize = Int(Frame.size)
    let notesEnd = noteOffset + noteSize
    padding = (pageSize - notesEnd % pageSize) % pageSize
    dataOffset = UInt64(notesEnd + padding)

    bytes.reserveCapacity(noteOffset)
    bytes += [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    bytes.appendLittleEndian(UInt16(4))  // e_type: ET_CORE
    bytes.appendLittleEndian(machine.rawValue)
    bytes.appendLittleEndian(UInt32(1))  // e_version
    bytes.appendLittleEndian(UInt64(0))  // e_entry
    bytes.appendLittleEndian(UInt64(Self.headerSize))  // e_phoff
    bytes.appendLittleEndian(UInt64(hasSection ? sectionOffset : 0))  // e_shoff
    bytes.appendLittleEndian(UInt32(0))  // e_flags
    bytes.appendLittleEndian(UInt16(Self.headerSize))  // e_ehsize
    bytes.appendLittleEndian(UInt16(Self.segmentSize))  // e_phentsize
    bytes.appendLittleEndian(UInt16(hasSection ? Self.countInSection : count))  // e_phnum
    bytes.appendLittleEndian(UInt16(hasSection ? Self.sectionSize : 0))  // e_shentsize
    bytes.appendLittleEndian(UInt16(hasSection ? 1 : 0))  // e_shnum
    bytes.appendLittleEndian(UInt16(0))  // e_shstrndx

    appendSegment(
      type: ElfSegment.note, flags: 0, offset: UInt64(noteOffset), physical: 0, size: UInt64(noteSize),
      alignment: 4)
    var offset = dataOffset
    for run in runs {
      let size = run.count * Frame.size
      appendSegment(
        type: ElfSegment.load, flags: 6, offset: offset, physical: run.first.start.value, size: size,
        alignment: Frame.size)
      offset += size
    }
    if hasSection {
      bytes += [UInt8](repeating: 0, count: 44)
      bytes.appendLittleEndian(UInt32(truncatingIfNeeded: count))  // sh_info
      bytes += [UInt8](repeating: 0, count: 16)
    }
  }

  private mutating func appendSegment(
    type: UInt32, flags: UInt32, offset: UInt64, physical: UInt64, size: UInt64, alignment: UInt64
  ) {
    bytes.appendLittleEndian(type)
    bytes.appendLittleEndian(flags)
    for word in [offset, 0, physical, size, size, alignment] { bytes.appendLittleEndian(word) }
  }
}

extension [UInt8] {
  fileprivate mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
    for index in 0..<Value.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: value >> Value(8 * index)))
    }
  }

  fileprivate mutating func pad(to alignment: Int) {
    while count % alignment != 0 { append(0) }
  }
}
