extension [AddressSpace] {
  /// Reads every table that the spaces reach, and keeps nothing: for a memory that remembers what was read.
  package func readTables(in memory: any PhysicalMemory) {
    for group in windowsByScheme() {
      _ = TableGraph(members: group.members, scheme: group.scheme, memory: memory) { _, _ in true }
    }
  }
}
