import PageTables

/// Finds the kernel's type information by its header where no symbol locates it.
struct TypeSearch {
  let reader: GuestMemoryReader
  let image: KernelImage

  private static let candidateLimit = 64

  /// The section with the most types: the header also occurs elsewhere.
  func run() -> (types: TypeInformation, address: UInt64)? {
    var candidates: [UInt64] = []
    image.forEachPage(reader) { address, page in
      for offset in stride(from: 0, to: Int(Frame.size), by: 4)
      where page.entry(at: offset, size: 4) == 0x0001_eb9f {
        candidates.append(address &+ UInt64(offset))
      }
      return candidates.count < TypeSearch.candidateLimit
    }
    for address in candidates {
      if let types = TypeSearch.types(at: address, reader) { return (types, address) }
    }
    return nil
  }

  /// The section at an address; nil where its header is invalid, or it does not contain the type of a task.
  static func types(at address: UInt64, _ reader: GuestMemoryReader) -> TypeInformation? {
    guard let header = reader.bytes(at: address, count: 24),
      let size = TypeInformation.size(ofHeader: header), let bytes = reader.bytes(at: address, count: size),
      let types = TypeInformation(bytes), types.structure("task_struct") != nil
    else { return nil }
    return types
  }
}
