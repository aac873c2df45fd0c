import MemoryImages
import PageTables

/// Whether a table can be a root, judged by its own entries.
extension MemoryImage {
  /// Whether there could be a root of that scheme: no entry is malformed or points outside the machine's memory,
  /// and not all are absent.
  package func couldBeRoot(_ root: PhysicalAddress, _ scheme: PagingScheme) -> Bool {
    summary(of: root, scheme)?.couldBeRoot == true
  }

  /// Why there cannot be a root of that scheme; nil where there could be one.
  func refusal(of root: PhysicalAddress, _ scheme: PagingScheme) -> String? {
    let shape = RootShape(scheme)
    guard let entries = shape.entries(at: root, in: memory) else { return "is outside the dump" }
    let summary = RootSummary(entries, shape: shape, extent: memory.extent)
    if summary.kernelEntries + summary.userEntries > 0 { return nil }
    let malformed = entries.firstIndex { shape.format.kind(of: $0) == .malformed }
    guard let malformed else { return "is not a table of \(scheme.title): no entry is present" }
    let reserved = scheme.levels[0].reservedBitsSet(in: entries[malformed])
    return
      "is not a table of \(scheme.title): entry \(malformed) is \(AddressText.hex(entries[malformed])), "
      + (reserved == 0
        ? "a form that is not allowed" : "with reserved bits \(AddressText.hex(reserved)) set")
  }

  /// Whether there is a table with at least one entry that the scheme allows: sufficient for a root that a person
  /// names, whatever else it contains.
  func holdsEntries(_ root: PhysicalAddress, _ scheme: PagingScheme) -> Bool {
    summary(of: root, scheme).map { $0.kernelEntries + $0.userEntries > 0 } == true
  }

  private func summary(of root: PhysicalAddress, _ scheme: PagingScheme) -> RootSummary? {
    let shape = RootShape(scheme)
    return shape.entries(at: root, in: memory).map {
      RootSummary($0, shape: shape, extent: memory.extent)
    }
  }
}
