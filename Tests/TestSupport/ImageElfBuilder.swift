/// Builds ELF cores for tests, after the System V ABI and not after what our own parser expects.
package struct ImageElfBuilder {
  /// One PT_LOAD.
  package struct Load {
    /// Its `p_paddr`.
    package var physical: UInt64
    /// The bytes in the file.
    package var bytes: [UInt8]
    /// Its `p_memsz`; nil for the size of `bytes`.
    package var memorySize: UInt64?
    /// Its `p_vaddr`.
    package var virtual: UInt64

    /// A PT_LOAD that the file holds unless `memorySize` is larger.
    package init(physical: UInt64, bytes: [UInt8], memorySize: UInt64? = nil, virtual: UInt64 = 0) {
      self.physical = physical
      self.virtual = virtual
      self.bytes = bytes
      self.memorySize = memorySize
    }
  }

  /// Whether the file is ELFCLASS64.
  package var is64 = true
  /// Its `e_type`: 4 is a core.
  package var type: UInt16 = 4
  /// Its `e_machine`: 62 is x86-64.
  package var machine: UInt16 = 62
  /// The PT_LOADs, in the order of the program headers.
  package var loads: [Load] = []
  /// The notes: name, type, descriptor.
  package var notes: [(name: String, type: UInt32, descriptor: [UInt8])] = []
  /// Whether `e_phnum` is 0xffff and section header 0 holds the count.
  package var countInSection = false

  /// A 64-bit core of an x86-64 machine without notes.
  package init(loads: [Load] = []) {
    self.loads = loads
  }

  /// Bytes of the ELF header.
  package var headerSize: Int { is64 ? 64 : 52 }
  /// Bytes of a program header.
  package var segmentSize: Int { is64 ? 56 : 32 }
  /// File offset of program header `index`; 0 is the PT_NOTE.
  package func segmentOffset(_ index: Int) -> Int { headerSize + index * segmentSize }
  /// File offset of the first note.
  package var notesOffset: Int { segmentOffset(loads.count + 1) + (countInSection ? (is64 ? 64 : 40) : 0) }
  /// File offset of the first byte of memory: deliberately not aligned.
  package var dataOffset: Int { notesOffset + noteBytes.count + 3 }

  private var noteBytes: [UInt8] {
    var image = ImageBytes()
    for note in notes {
      image.little(UInt32(note.name.utf8.count + 1))
      image.little(UInt32(note.descriptor.count))
      image.little(note.type)
      image.text(note.name, size: note.name.utf8.count + 1)
      image.pad(to: 4)
      image.bytes += note.descriptor
      image.pad(to: 4)
    }
    return image.bytes
  }

  /// The whole file.
  package func build() -> [UInt8] {
    var image = ImageBytes()
    func word(_ value: UInt64) {
      if is64 { image.little(value) } else { image.little(UInt32(truncatingIfNeeded: value)) }
    }
    let count = loads.count + 1
    image.bytes += [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1] + [UInt8](repeating: 0, count: 9)
    image.little(type)
    image.little(machine)
    image.little(UInt32(1))
    word(0)
    word(UInt64(headerSize))
    word(UInt64(countInSection ? segmentOffset(count) : 0))
    image.little(UInt32(0))
    image.little(UInt16(headerSize))
    image.little(UInt16(segmentSize))
    image.little(UInt16(countInSection ? 0xffff : count))
    image.little(UInt16(countInSection ? (is64 ? 64 : 40) : 0))
    image.little(UInt16(countInSection ? 1 : 0))
    image.little(UInt16(0))

    func segment(
      type: UInt32, offset: Int, virtual: UInt64 = 0, physical: UInt64, fileSize: Int, memorySize: UInt64
    ) {
      image.little(type)
      if is64 { image.little(UInt32(6)) }
      word(UInt64(offset))
      word(virtual)
      word(physical)
      word(UInt64(fileSize))
      word(memorySize)
      if !is64 { image.little(UInt32(6)) }
      word(0)
    }
    segment(type: 4, offset: notesOffset, physical: 0, fileSize: noteBytes.count, memorySize: 0)
    var offset = dataOffset
    for load in loads {
      segment(
        type: 1, offset: offset, virtual: load.virtual, physical: load.physical, fileSize: load.bytes.count,
        memorySize: load.memorySize ?? UInt64(load.bytes.count))
      offset += load.bytes.count
    }
    if countInSection {
      image.bytes += [UInt8](repeating: 0, count: is64 ? 44 : 28)
      image.little(UInt32(count))
      image.bytes += [UInt8](repeating: 0, count: is64 ? 16 : 8)
    }
    image.bytes += noteBytes + [0xaa, 0xaa, 0xaa]
    for load in loads { image.bytes += load.bytes }
    return image.bytes
  }
}

/// QEMU's CPU note, version 1, 440 bytes (`target/i386/arch_dump.c`): every register holds a value of its
/// own.
package func imageQemuNote(cr0: UInt64, cr3: UInt64, cr4: UInt64, instructionPointer: UInt64) -> [UInt8] {
  var note = ImageBytes()
  note.little(UInt32(1))
  note.little(UInt32(440))
  for register in 0..<16 { note.little(0x1000 + UInt64(register)) }
  note.little(instructionPointer)
  note.little(UInt64(0x202))
  for segment in 0..<10 {
    note.little(UInt32(segment))
    note.little(UInt32(0xffff))
    note.little(UInt32(0))
    note.little(UInt32(0))
    note.little(UInt64(segment) << 12)
  }
  for register in [cr0, 0xdead, 0xbeef, cr3, cr4] { note.little(register) }
  note.little(UInt64(0x77))
  return note.bytes
}
