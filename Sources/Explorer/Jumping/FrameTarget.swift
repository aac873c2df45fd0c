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

extension Explorer {
  /// What `x` and `d` are about: the frame or table of the selected row, or of the cell under the cursor.
  var frameTarget: FrameTarget {
    switch place {
    case .tree, .detail:
      guard let row = selectedRow, row.kind != .note, row.hasAddress else {
        return .nothing("this entry points at nothing")
      }
      return .address(physicalAddress(of: row))
    case .frame: return frame.map { .address($0.address) } ?? .nothing("no frame is shown")
    case .aliases: return crossAddress.map { .address($0) } ?? .nothing("nothing is selected")
    case .spaces, .regions, .shared, .mirrors, .findings, .overlays: return listTarget
    case .matrix: return matrixTarget
    case .map: return mapTarget
    case .text: return .nothing("a page of text has no frame")
    }
  }

  private var listTarget: FrameTarget {
    guard let row = list?.selectedRow else { return .nothing("no row is selected") }
    switch place {
    case .spaces where tree.spaces.indices.contains(row): return .address(tree.spaces[row].root)
    case .regions: return regionTarget(row)
    case .overlays where overlay.made.indices.contains(row):
      let made = overlay.made[row]
      let space = tree.spaces.first { $0.id == made.space }?.found.space
      let page = space?.translate(made.kernelVA, in: memory).page
      return page.map { .address($0.physical) } ?? .nothing("nothing is mapped there any more")
    default: break
    }
    guard let index else { return .nothing("no row is selected") }
    switch place {
    case .shared where index.references.indices.contains(row):
      return .address(index.references[row].mapping.table.address)
    case .mirrors where index.mirrors.indices.contains(row): return .address(index.mirrors[row].physical)
    case .findings where index.findings.indices.contains(row):
      let finding = index.findings[row]
      return FrameTarget(finding.raw, finding.table.level, tree.spaces[finding.place].scheme, memory)
    default: return .nothing("no row is selected")
    }
  }

  private func regionTarget(_ row: Int) -> FrameTarget {
    guard let place = regionsPlace, let names = guest[tree.spaces[place].id] else {
      return .nothing("no row is selected")
    }
    let regions = names.counted
    guard regions.indices.contains(row) else { return .nothing("no row is selected") }
    let page = tree.spaces[place].found.space.translate(regions[row].first, in: memory).page
    return page.map { .address($0.physical) } ?? .nothing("its first page is not present")
  }

  private var matrixTarget: FrameTarget {
    guard tree.spaces.indices.contains(matrix.row), matrix.columns.indices.contains(matrix.column) else {
      return .nothing("there is no cell")
    }
    let columns = matrix.columns[matrix.column...matrix.column]
    guard let cell = matrixCells(space: matrix.row, columns: columns)?.first else {
      return .nothing("the root is not in the dump")
    }
    return FrameTarget(cell.entry, 0, tree.spaces[matrix.row].scheme, memory)
  }

  private var mapTarget: FrameTarget {
    guard let map, let target = map.target(memory) else { return .nothing("nothing is mapped here") }
    let translation = map.space.translate(target.address, in: memory)
    guard let step = translation.steps.first(where: { $0.level == target.level }) else {
      return .nothing("the root is not in the dump")
    }
    // The cell may lie in the middle of a huge page.
    if step.kind == .leaf, let page = translation.page { return .address(page.physical) }
    return FrameTarget(step.raw, step.level, map.space.scheme, memory)
  }
}
