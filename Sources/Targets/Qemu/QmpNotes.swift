import MemoryImages
import PageTables

/// The notes of a dump, without its memory: a dump of one byte, into a file of ours that QEMU is handed. A guest that
/// runs stands still for it, for about a millisecond.
enum QmpNotes {
  /// Nil where no descriptor can be passed, or QEMU refuses.
  static func take(_ client: QmpClient, map: RamMap, name: String) -> CoreDescription? {
    guard client.peer != nil, let first = map.blocks.first, let file = MemoryFile() else { return nil }
    let handle = "pagewalk-notes"
    guard (try? client.execute("getfd", "{\"fdname\":\"\(handle)\"}", passing: file.descriptor)) != nil else {
      return nil
    }
    let dump =
      "{\"paging\":false,\"protocol\":\"fd:\(handle)\",\"begin\":\(first.range.start.value),\"length\":1}"
    guard (try? client.execute("dump-guest-memory", dump, isQuiet: true)) != nil else {
      _ = try? client.execute("closefd", "{\"fdname\":\"\(handle)\"}")
      return nil
    }
    return try? CoreDescription(descriptor: file.descriptor, path: name)
  }
}
