import MemoryImages
import PageTables

/// Roots that make sense only once the address bit that marks encrypted memory is known.
extension SpaceSearch {
  /// The same search with the encryption bit that Linux names in memory, if no other source names it and a root
  /// requires it; nil where it would change nothing. This searches memory, so the roots are checked first.
  func searchWithEncryption() -> SpaceSearch? {
    guard options.features.encryptionBit == nil, canEncrypt, mayHoldGuest, image.vmcoreinfo == nil,
      asksForEncryption,
      let bit = VmcoreinfoSearch(image: image).inMemory({ _ in true }, { $0.encryptionBit })?.accepted
    else { return nil }
    var options = options
    options.features.encryptionBit = bit
    return SpaceSearch(image, options)
  }

  /// Whether some scheme that the roots may have leaves a bit to encryption.
  private var canEncrypt: Bool { image.machine.map { $0 == .x86_64 || $0 == .i386 } ?? true }

  /// Whether a single bit places a CPU's root outside memory, or places everything that a given root points at
  /// there.
  private var asksForEncryption: Bool {
    guard options.roots.isEmpty else {
      return options.roots.contains { $0.address.map(holdsEncryptedEntries) ?? false }
    }
    return image.cpus.contains { cpu in
      image.scheme(of: cpu, options).map { encryptionBit(in: cpu.root(in: $0)) != nil }
        ?? false
    }
  }

  /// Whether every entry of a root, in the 8-byte format, has the same one excess bit.
  private func holdsEncryptedEntries(_ root: PhysicalAddress) -> Bool {
    let shape = RootShape(X86.paging4Level(options.features))
    let entries = shape.entries(at: PhysicalAddress(root.value & ~(Frame.size - 1)), in: image.memory) ?? []
    let bits = entries.filter { shape.format.kind(of: $0) == .table }.map {
      encryptionBit(in: shape.format.tableAddress.address(in: $0))
    }
    return bits.first.flatMap(\.self) != nil && Set(bits).count == 1
  }

  /// The bit without which an address outside of memory would lie inside it.
  private func encryptionBit(in root: PhysicalAddress) -> Int? {
    let extent = image.memory.extent
    let bit = 63 - root.value.leadingZeroBitCount
    guard ProcessorFeatures.encryptionBits.contains(bit), !extent.hasMemory(root),
      extent.hasMemory(PhysicalAddress(root.value & ~(1 << UInt64(bit))))
    else { return nil }
    return bit
  }

  /// What to try with such a root.
  func encryptionHint(_ root: PhysicalAddress) -> String {
    encryptionBit(in: root).map { "; if the machine encrypts memory, give --c-bit \($0)" } ?? ""
  }
}
