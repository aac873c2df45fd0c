/// One note of an ELF core.
struct ElfNote: Hashable, Sendable {
  var name: String
  var type: UInt32
  var descriptor: [UInt8]
}

/// The notes that describe the machine or that a capture needs; all others are skipped.
struct ElfNotes: Sendable {
  var cpuNotes: [ElfNote] = []
  var vmcoreinfo: [UInt8]?
  /// Our own notes, in a capture.
  var captureNotes: [ElfNote] = []
  var warnings: [String] = []

  /// Whether the CPU notes of VirtualBox that follow can be read.
  private var hasVirtualBoxRegisters = false

  /// Bytes scanned so far: limits the work for segments that repeat each other.
  private var scanned: UInt64 = 0

  /// Reads the notes between `offset` and `offset + size`: 12 bytes of header (name size, descriptor size,
  /// type), then name and descriptor, each padded to 4 bytes. Sizes are checked before they are used.
  mutating func read(_ file: borrowing MappedFile, at offset: UInt64, size: UInt64) {
    guard size > 0, scanned < file.count else { return }
    guard offset < file.count else {
      // A file with many such headers needs only one warning.
      guard warnings.isEmpty else { return }
      warnings.append("notes at file offset 0x\(String(offset, radix: 16)) lie outside the file")
      return
    }
    let end = offset + min(size, file.count - offset)
    scanned += end - offset
    if end - offset < size { warnings.append("the file ends in its notes") }
    var position = offset
    while end - position >= 12 {
      guard let nameSize = file.load(UInt32.self, at: position),
        let descriptorSize = file.load(UInt32.self, at: position + 4),
        let type = file.load(UInt32.self, at: position + 8)
      else { return }
      let nameOffset = position + 12
      let descriptorOffset = nameOffset + padded(nameSize)
      guard descriptorOffset <= end, UInt64(descriptorSize) <= end - descriptorOffset else {
        warnings.append(
          "the note at file offset 0x\(String(position, radix: 16)) is longer than the notes; "
            + "it and the rest are left out")
        return
      }
      keep(
        file, name: (nameOffset, UInt64(nameSize)), type: type,
        descriptor: (descriptorOffset, UInt64(descriptorSize)))
      position = min(end, descriptorOffset + padded(descriptorSize))
    }
  }

  private mutating func keep(
    _ file: borrowing MappedFile, name: (offset: UInt64, size: UInt64), type: UInt32,
    descriptor: (offset: UInt64, size: UInt64)
  ) {
    let known: [StaticString] = ["QEMU", "VBCORE", "VBCPU", "VMCOREINFO", CaptureNote.name]
    for candidate in known {
      let length = UInt64(candidate.utf8CodeUnitCount)
      // The size includes the terminating zero, but some writers omit it.
      guard name.size == length || name.size == length + 1, file.matches(candidate, at: name.offset),
        let bytes = file.copy(at: descriptor.offset, length: descriptor.size)
      else { continue }
      var note = ElfNote(name: candidate.description, type: type, descriptor: bytes)
      switch note.name {
      case "QEMU" where type == 0: cpuNotes.append(note)
      case "VBCORE" where type == VirtualBoxCore.descriptorType:
        guard let isKnown = VirtualBoxCore.hasKnownRegisters(bytes) else { continue }
        hasVirtualBoxRegisters = isKnown
        if isKnown {
          cpuNotes.append(note)
        } else {
          warnings.append("VirtualBox wrote its CPUs' registers in another version of its format; left out")
        }
      case "VBCPU" where type == VirtualBoxCore.cpuType && hasVirtualBoxRegisters:
        note.descriptor = Array(bytes.prefix(VirtualBoxCore.registerBytes))
        cpuNotes.append(note)
      case "VMCOREINFO" where vmcoreinfo == nil: vmcoreinfo = bytes
      case CaptureNote.name.description: captureNotes.append(note)
      default: break
      }
    }
  }

  private func padded(_ size: UInt32) -> UInt64 { (UInt64(size) + 3) & ~3 }
}
