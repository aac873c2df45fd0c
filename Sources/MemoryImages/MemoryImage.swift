import PageTables

/// An opened source: its physical memory, and what its headers say about the machine.
public struct MemoryImage: Sendable {
  /// The bytes, by physical address.
  public var memory: any PhysicalMemory
  /// The format's name for people, such as "ELF core".
  public var format: String
  /// The path, or "demo".
  public var name: String
  /// The machine according to the headers; nil when they do not say.
  public var machine: Machine?
  /// The CPUs' registers when the dump was made, in the order of the dump; empty when it has none.
  public var cpus: [CPUState]
  /// The kernel's VMCOREINFO text, as stored in the dump.
  public var vmcoreinfo: [UInt8]?
  /// What a capture says about the dump that it was made from; nil for all other sources.
  public var capture: CaptureContents?
  /// One line each, such as about bytes that the headers list but the file does not hold.
  public var warnings: [String]
  /// The known spaces of a machine that the program itself created; empty for everything else.
  public var spaces: [AddressSpace] = []
  /// The roots whose tables gave the segments of a core without physical addresses their places; empty for
  /// everything else.
  public var segmentRoots: [AddressSpace] = []
  /// The CPU notes as stored in the dump, for captures.
  var cpuNotes: [ElfNote]

  /// A source without headers, such as a memory made by a test.
  public init(memory: any PhysicalMemory, format: String, name: String) {
    self.init(memory: memory, format: format, name: name, machine: nil, notes: ElfNotes(), warnings: [])
  }

  init(
    memory: any PhysicalMemory, format: String, name: String, machine: Machine?, notes: ElfNotes,
    warnings: [String]
  ) {
    self.memory = memory
    self.format = format
    self.name = name
    self.machine = machine
    cpuNotes = Array(notes.cpuNotes.prefix(CPUState.most))
    cpus = cpuNotes.compactMap(CPUState.init(note:))
    vmcoreinfo = notes.vmcoreinfo
    capture = nil
    self.warnings = warnings.map(oneLine)
    if notes.cpuNotes.count > CPUState.most {
      self.warnings.append(
        "it has notes of \(notes.cpuNotes.count) CPUs; those after \(CPUState.most) are left out")
    }
  }

  /// The memory of something that runs, with its CPUs' registers at that moment.
  package init(
    memory: any PhysicalMemory, format: String, name: String, machine: Machine?, cpus: [CPUState],
    vmcoreinfo: [UInt8]?
  ) {
    self.init(
      memory: memory, format: format, name: name, machine: machine, notes: ElfNotes(), warnings: [])
    self.cpus = cpus
    self.vmcoreinfo = vmcoreinfo
    cpuNotes = cpus.prefix(CPUState.most).compactMap(\.note)
  }
}

extension MemoryImage {
  /// One line when the file has become shorter since it was opened, or can no longer be read: what is lost counts
  /// as missing from then on. Nil while all of it exists.
  public var loss: String? {
    guard let file = memory as? any FileBacked, let loss = file.loss else { return nil }
    return oneLine("\(name): \(loss.description)")
  }
}

/// A memory whose bytes remain in a file.
protocol FileBacked {
  /// What the file has lost since it was opened.
  var loss: FileLoss? { get }
}

/// What a capture carries besides page tables.
public struct CaptureContents: Hashable, Sendable {
  /// The address spaces, one per line; `Guests` defines the lines.
  public var spaceLines: [String]
  /// The guest's names for addresses in the spaces, one region per line; `Guests` defines these lines, too.
  public var regionLines: [String]

  /// Contents to compare with or to write; lines must not contain line breaks.
  public init(spaceLines: [String], regionLines: [String] = []) {
    self.spaceLines = spaceLines
    self.regionLines = regionLines
  }
}
