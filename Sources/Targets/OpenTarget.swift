import Glibc

/// Opens what runs.
package enum Targets {
  /// Opens `qmp:/path`, `qmp:HOST:PORT`, `pid:N`, `gdb:/path`, `gdb:HOST:PORT`, `/proc/kcore`, or
  /// `demo-live` unless there is a file of that name; nil where the text is none of these, and so a file.
  ///
  /// - Parameter ways: the ways to a guest's memory that may be tried.
  package static func open(
    _ source: String, ways: [MemoryWay] = MemoryWay.allCases
  ) throws(TargetError) -> (any Target)? {
    if source.hasPrefix("qmp:") {
      return try QmpTarget(address(source, after: "qmp:"), name: source, ways: ways)
    }
    if source.hasPrefix("gdb:") {
      return try GdbTarget(address(source, after: "gdb:"), name: source, ways: ways)
    }
    if source.hasPrefix("pid:") {
      guard let process = Int32(source.dropFirst(4)), process > 0 else {
        throw .badName(source, expected: "pid:N, the number of a process")
      }
      return try ProcessTarget(process, name: source)
    }
    if source == SimulatedTarget.sourceName, access(source, F_OK) != 0 { return try SimulatedTarget() }
    if KcoreTarget.isLikely(source) { return try KcoreTarget(source) }
    return nil
  }

  private static func address(_ source: String, after kind: String) throws(TargetError) -> TargetAddress {
    guard let address = TargetAddress(source.dropFirst(kind.count)) else {
      throw .badName(source, expected: kind + "/path or " + kind + "HOST:PORT")
    }
    return address
  }
}
