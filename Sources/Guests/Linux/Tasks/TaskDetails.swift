import PageTables

extension LinuxGuest {
  /// The most bytes of arguments read for one process.
  private static let argumentLimit = 1 << 16

  /// The arguments that a process was started with, read through its own tables; nil where it has none or their
  /// memory cannot be read (swapped out, or not in the dump). The process may have overwritten them with a title,
  /// which is then the only element.
  package func arguments(of task: GuestTask) -> [String]? {
    guard let mm = task.memory, let root = task.root, let place = regionReader?.arguments(of: mm) else {
      return nil
    }
    let start = place.range.lowerBound
    let memory = reader.through(AddressSpace(name: task.name, root: root, scheme: kernel.scheme))
    // Arguments end with 0; if not, a title extends to the first 0, for a page at most (`get_mm_cmdline` of the
    // kernel's `fs/proc/base.c`).
    if let last = memory.unsigned(at: place.range.upperBound - 1, size: 1), last != 0 {
      return memory.string(at: start, limit: Int(min(place.titleEnd - start, Frame.size))).map { [$0] }
    }
    let length = min(place.range.upperBound - start, UInt64(LinuxGuest.argumentLimit))
    guard var bytes = memory.readable(at: start, limit: Int(length)) else { return nil }
    if bytes.last == 0 { bytes.removeLast() }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The regions of a process's memory, in ascending address; empty without user memory.
  package func regions(of task: GuestTask) -> [UserRegion] {
    task.memory.flatMap { regionReader?.regions(of: $0) } ?? []
  }
}
