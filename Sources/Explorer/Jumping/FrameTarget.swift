import PageTables

/// The byte of memory that a selection is about, or why it is about none.
enum FrameTarget: Equatable {
  case address(PhysicalAddress)
  case nothing(String)

  var address: PhysicalAddress? { if case .address(let address) = self { address } else { nil } }

  var obstacle: String? { if case .nothing(let reason) = self { reason } else { nil } }

  /// What an entry of a level points at.
  init(_ raw: UInt64, _ level: Int, _ scheme: PagingScheme, _ memory: any PhysicalMemory) {
    let format = scheme.levels[level].format
    switch format.kind(of: raw) {
    case .table: self = .address(format.tableAddress.address(in: raw))
    case .leaf: self = .address(format.leafAddress.address(in: raw))
    case .marked:
      let address = scheme.mark(in: raw, level: level, of: memory)?.address
      self = address.map { .address($0) } ?? .nothing("this entry points at nothing")
    case .malformed: self = .nothing("a malformed entry points at nothing")
    case .absent: self = .nothing("nothing is mapped here")
    }
  }
}
