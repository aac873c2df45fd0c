import MemoryImages
import PageTables

/// The notes of a dump, without its memory: a dump of one byte, into a file of ours. A guest that runs stands still for
/// it, for about a millisecond.
enum QemuNotes {
  /// By QMP: into a file that QEMU is handed, or by its name; nil where QEMU refuses.
  static func take(_ client: QmpClient, map: RamMap, name: String) -> CoreDescription? {
    guard let first = map.blocks.first?.range.start.value else { return nil }
    func dump(_ protocolName: String) -> Bool {
      let arguments =
        "{\"paging\":false,\"protocol\":\(JsonValue.quoted(protocolName)),\"begin\":\(first),\"length\":1}"
      return (try? client.execute("dump-guest-memory", arguments, isQuiet: true)) != nil
    }
    let handle = "pagewalk-notes"
    if client.peer != nil, let file = MemoryFile(),
      (try? client.execute("getfd", "{\"fdname\":\"\(handle)\"}", passing: file.descriptor)) != nil
    {
      if dump("fd:" + handle) { return try? CoreDescription(descriptor: file.descriptor, path: name) }
      _ = try? client.execute("closefd", "{\"fdname\":\"\(handle)\"}")
    }
    return PrivateFolder()?.description(name) { dump("file:" + $0) }
  }

  /// By the monitor's own command; nil where QEMU does not see the same files.
  static func take(_ monitor: some QemuMonitor, map: RamMap, name: String) -> CoreDescription? {
    guard let first = map.blocks.first?.range.start.value else { return nil }
    return PrivateFolder()?.description(name) { path in
      // The monitor takes blanks for the end of the name.
      guard path.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
        return false
      }
      return (try? monitor.monitor("dump-guest-memory \(path) 0x\(String(first, radix: 16)) 1")) != nil
    }
  }
}
