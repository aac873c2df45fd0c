import Glibc
import PageTables

/// What the headers and notes of an ELF core say, without its memory: for cores whose memory is reached in another
/// way.
package struct CoreDescription: Sendable {
  /// A stretch of the core that holds memory.
  package struct Stretch: Hashable, Sendable {
    /// Nil where the header says that it does not know.
    package var physical: UInt64?
    package var virtual: UInt64
    package var fileOffset: UInt64
    package var length: UInt64
  }

  package var machine: Machine
  package var stretches: [Stretch]
  package var cpus: [CPUState]
  package var vmcoreinfo: [UInt8]?

  /// Reads the file of `descriptor`, which may end after its notes; `path` is used in errors only.
  package init(descriptor: Int32, path: String) throws(ImageError) {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system(path, operation: "read", reason: errorText(errno)) }
    let file = try MappedFile(FileDescriptor(number: copy), path: path)
    let elf = try ElfFile(file, path: path)
    var notes = ElfNotes()
    for segment in elf.segments where segment.type == ElfSegment.note {
      notes.read(file, at: segment.claim.fileOffset, size: segment.claim.fileSize)
    }
    machine = elf.machine
    stretches = elf.segments.filter { $0.type == ElfSegment.load }.map { segment in
      Stretch(
        physical: segment.hasPhysicalAddress ? segment.claim.physical : nil, virtual: segment.virtual,
        fileOffset: segment.claim.fileOffset, length: segment.claim.fileSize)
    }
    cpus = notes.cpuNotes.prefix(CPUState.most).compactMap(CPUState.init(note:))
    vmcoreinfo = notes.vmcoreinfo
  }
}
