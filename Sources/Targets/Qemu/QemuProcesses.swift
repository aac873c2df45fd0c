import PageTables

/// Finds the process that runs a guest.
enum QemuProcesses {
  /// The guest's memory in its process; nil where no process of this system that this user may read is the one.
  ///
  /// A socket's peer is who began to listen: that may be a manager that started QEMU, or a number from another
  /// container. So a process counts only if it has mapped what QEMU says, and reads as QEMU reads.
  static func memory(
    _ places: [HostPlace], _ monitor: any QemuMonitor, name: String, peer: Int32?
  ) throws(TargetError) -> ProcessMemory? {
    for process in candidates(peer) {
      guard let found = try? ProcessMemory(process: process, places: places, name: name), !found.parts.isEmpty
      else { continue }
      if try reads(PartedMemory(found.parts), as: monitor) { return found }
    }
    return nil
  }

  /// The peer, then whatever looks like QEMU.
  private static func candidates(_ peer: Int32?) -> [Int32] {
    let others = SystemFiles.names(in: "/proc").compactMap { Int32($0) }.filter { process in
      guard process != peer, let line = QemuCommandLine(process: process) else { return false }
      return line.isQemu
    }
    return (peer.map { [$0] } ?? []) + others
  }

  /// Compares samples. A running guest may write between two reads: one that differs is no proof against.
  private static func reads(_ memory: PartedMemory, as monitor: any QemuMonitor) throws(TargetError) -> Bool {
    var equal = 0
    var different = 0
    let ranges = memory.extent.readable.ranges
    // The ends of each range, where firmware begins, and somewhere within.
    let samples = ranges.suffix(8).flatMap { range in
      [range.end.value - 64, range.start.value, range.start.value + range.length / 2 & ~4095]
    }
    for sample in samples {
      let address = PhysicalAddress(sample)
      guard let theirs = try monitor.examine(PhysicalRange(address, address.advanced(by: 64))),
        let ours = try? memory.withPage(
          at: address,
          { page in
            (0..<64).map {
              page.unsafeLoad(fromByteOffset: address.offsetInFrame + $0, as: UInt8.self)
            }
          })
      else { continue }
      if ours != theirs { different += 1 } else if ours.contains(where: { $0 != 0 }) { equal += 1 }
    }
    return equal > different || (equal == 0 && different == 0)
  }
}
