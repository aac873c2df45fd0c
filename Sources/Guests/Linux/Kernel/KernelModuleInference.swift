import PageTables

/// Infers where the kernel keeps its modules if there is no type information: each module's description lies in the
/// module's own memory, in a list of all modules, and the name directly follows the link.
struct KernelModuleInference {
  let reader: GuestMemoryReader
  /// The vmalloc areas that are in use, in ascending address.
  let areas: [VmallocArea]

  /// The most bytes examined in vmalloc space, and in one module's description.
  private static let byteLimit: UInt64 = 64 << 20
  private static let descriptionSize = 1024
  private static let leastName = 2

  /// How to read modules, and the head of their list; nil where there is no such list.
  func run() -> (modules: ModuleReader, head: UInt64)? {
    guard let link = firstLink() else { return nil }
    let size = reader.pointerSize
    let walk = ListWalk.nodes(head: link, reader: reader, limit: ModuleReader.moduleLimit)
    let nodes = [link] + walk.nodes
    // The only node without a name is the head, which lies in the kernel's own data.
    let heads = nodes.filter { !hasName($0) }
    guard walk.isClosed, let head = heads.first, heads.count == 1 else { return nil }
    let modules: [Module] = nodes.filter { $0 != head }.compactMap { node in
      areas.first { $0.range.contains(node) }.map { Module(link: node, area: $0.range) }
    }
    guard modules.count == nodes.count - 1, let layout = layoutOffset(modules) else { return nil }
    let parts = ModuleReader.Part(base: layout, size: layout + size)
    return (
      ModuleReader(
        reader: reader, list: 0, name: 2 * size, parts: [parts], symbols: symbols(modules, layout + size)),
      head
    )
  }

  /// A module, by its link in the list; the link is near the start of its description.
  private struct Module {
    let link: UInt64
    let area: Range<UInt64>
  }

  /// The first place in vmalloc space that could be the link of a module's description.
  private func firstLink() -> UInt64? {
    let size = UInt64(reader.pointerSize)
    var budget = KernelModuleInference.byteLimit
    for area in areas where area.kinds == .vmalloc && !area.isUnpurged {
      var page = area.range.lowerBound
      while page < area.range.upperBound, budget >= Frame.size {
        budget -= Frame.size
        if let bytes = reader.bytes(at: page, count: Int(Frame.size)) {
          let span = bytes.span.bytes
          for offset in stride(from: 0, to: Int(Frame.size - 2 * size), by: Int(size)) {
            let next = span.entry(at: offset, size: Int(size))
            let link = page &+ UInt64(offset)
            guard next > 4096, next % size == 0, next != link, isLink(link), hasName(link) else { continue }
            return link
          }
        }
        page &+= Frame.size
      }
    }
    return nil
  }

  private func isLink(_ link: UInt64) -> Bool {
    let size = UInt64(reader.pointerSize)
    guard let next = reader.pointer(at: link), let previous = reader.pointer(at: link &+ size) else {
      return false
    }
    return reader.pointer(at: next &+ size) == link && reader.pointer(at: previous) == link
  }

  /// The name's field has 64 bytes less the size of a pointer.
  private func hasName(_ link: UInt64) -> Bool {
    let size = reader.pointerSize
    guard let field = reader.bytes(at: link &+ UInt64(2 * size), count: 64 - size),
      let end = field.firstIndex(of: 0), end >= KernelModuleInference.leastName
    else { return false }
    return field[end...].allSatisfy { $0 == 0 }
      && field[..<end].allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
      }
  }

  /// The offset at which every module stores the start of its memory, followed by its length and the ends of three
  /// parts: the code, read-only data, and data that is read-only after initialization.
  private func layoutOffset(_ modules: [Module]) -> Int? {
    let size = reader.pointerSize
    return stride(from: 0, to: KernelModuleInference.descriptionSize, by: size).first { offset in
      modules.allSatisfy { module in
        guard reader.pointer(at: module.link &+ UInt64(offset)) == module.area.lowerBound else {
          return false
        }
        let lengths = (0..<4).compactMap {
          reader.unsigned(at: module.link &+ UInt64(offset + size + $0 * 4), size: 4)
        }
        return lengths.count == 4 && lengths[1] > 0 && lengths[1] <= lengths[2] && lengths[2] <= lengths[3]
          && lengths[3] <= lengths[0] && lengths[0] <= module.area.upperBound &- module.area.lowerBound
      }
    }
  }

  /// The offset at which every module points at the description of its symbols: the table, its length, the names
  /// and the kinds, all in the module's memory; the first entry of the table is empty.
  private func symbols(_ modules: [Module], _ lengthOffset: Int) -> ModuleReader.SymbolOffsets? {
    let size = reader.pointerSize
    let entrySize = ModuleReader.symbolSize(pointerSize: size)
    let place = stride(from: 0, to: KernelModuleInference.descriptionSize, by: size).first { offset in
      modules.allSatisfy { module in
        guard let length = reader.unsigned(at: module.link &+ UInt64(lengthOffset), size: 4),
          let description = reader.pointer(at: module.link &+ UInt64(offset))
        else { return false }
        let (end, overflow) = module.area.lowerBound.addingReportingOverflow(length)
        guard !overflow else { return false }
        let memory = module.area.lowerBound..<end
        let words = (0..<4).compactMap { reader.pointer(at: description &+ UInt64($0 * size)) }
        guard memory.contains(description), words.count == 4, words[1] > 0,
          words[1] < length / UInt64(entrySize),
          [words[0], words[2], words[3]].allSatisfy(memory.contains),
          let first = reader.bytes(at: words[0], count: entrySize)
        else { return false }
        return first.allSatisfy { $0 == 0 }
      }
    }
    return place.map {
      ModuleReader.SymbolOffsets(table: $0, entries: 0, count: size, names: 2 * size, kinds: 3 * size)
    }
  }
}
