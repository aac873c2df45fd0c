import PageTables

/// The kernel's part of a root, which all roots of one kernel share.
struct KernelRootEntries {
  private let shape: RootShape
  private let memory: any PhysicalMemory
  private let kernel: [UInt64]
  /// Slots that the kernel's own root uses.
  private let used: [Int]

  /// Nil where the root of the reader's space cannot be read, or has no such part.
  init?(_ reader: GuestMemoryReader) {
    shape = RootShape(reader.space.scheme)
    memory = reader.memory
    guard let entries = shape.entries(at: reader.space.root, in: memory) else { return nil }
    kernel = entries
    let (format, slots) = (shape.format, shape.kernelSlots)
    used = slots.filter { format.present.matches(entries[$0]) }
    guard !used.isEmpty else { return nil }
  }

  /// Whether the root at an address has at least three quarters of these entries: a kernel may fill in slots late.
  func holds(_ root: PhysicalAddress) -> Bool {
    guard let entries = shape.entries(at: root, in: memory) else { return false }
    return used.count { shape.agree(entries[$0], kernel[$0]) } * 4 >= used.count * 3
  }
}
