import PageTables

/// A range of addresses with a name in the guest: a region of a process, or a part of the kernel.
package struct NamedRegion: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// A region of a process's memory.
    case user
    case kernel(KernelRegion.Kind)
  }

  package let kind: Kind
  /// First and last byte; canonical addresses.
  package let first: VirtualAddress
  package let last: VirtualAddress
  /// For a process's region, as in `/proc/PID/maps`: empty for anonymous memory, `?` where unknown; for a part of
  /// the kernel, the module, or what requested the memory, or empty. Untrusted text.
  package let name: String
  /// The permissions requested from `mmap`, such as `rw-p`; nil for the kernel's.
  package let permissions: String?
  /// Where in its file a region starts, in bytes; nil where there is no file.
  package let fileOffset: UInt64?

  /// Its length in bytes.
  package var length: UInt64 { last.value &- first.value &+ 1 }

  /// The text shown for the region; never empty. Untrusted text.
  package var title: String {
    switch kind {
    case .user: name.isEmpty ? "anonymous" : name
    case .kernel(let kind): name.isEmpty ? kind.rawValue : "\(kind.rawValue) \(name)"
    }
  }

  package func contains(_ address: VirtualAddress) -> Bool { first <= address && address <= last }
}

extension NamedRegion {
  /// Nil for an empty region.
  init?(_ region: KernelRegion) {
    let last = region.end &- 1
    guard region.start <= last else { return nil }
    self.init(
      kind: .kernel(region.kind), first: VirtualAddress(region.start), last: VirtualAddress(last),
      name: region.name, permissions: nil, fileOffset: nil)
  }

  init(_ region: UserRegion) {
    self.init(
      kind: .user, first: VirtualAddress(region.range.lowerBound),
      last: VirtualAddress(region.range.upperBound &- 1), name: region.name, permissions: region.permissions,
      fileOffset: region.pageOffset.map { $0 &* Frame.size })
  }
}
