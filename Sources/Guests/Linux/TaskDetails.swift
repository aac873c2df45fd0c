import PageTables

extension LinuxGuest {
  /// Bytes of arguments that are read of one process.
  private static let argumentLimit = 1 << 16

  /// The arguments that a process was started with, read through its own tables; nil where it has none or
  /// their memory cannot be read (swapped out, or not in the dump). The process may have overwritten them.
  public func arguments(of task: GuestTask) -> [String]? {
    guard let mm = task.memory, let root = task.root, let range = regionReader?.arguments(of: mm),
      range.upperBound - range.lowerBound <= UInt64(LinuxGuest.argumentLimit)
    else { return nil }
    let space = AddressSpace(name: task.name, root: root, scheme: kernel.scheme)
    guard
      var bytes = reader.through(space).readable(
        at: range.lowerBound, limit: Int(range.upperBound - range.lowerBound))
    else { return nil }
    if bytes.last == 0 { bytes.removeLast() }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The regions of a process's memory, in ascending address; empty without user memory.
  public func regions(of task: GuestTask) -> [UserRegion] {
    task.memory.flatMap { regionReader?.regions(of: $0) } ?? []
  }
}
