import PageTables

/// What a space has of one column.
struct MatrixCell: Sendable {
  enum Kind: Sendable {
    case absent
    /// It is the first space that has the table.
    case owned
    case shared
    /// What everybody has, whole or in part.
    case everybodys, partOfEverybodys
    /// It may be stale, and leads there all the same.
    case stale
  }

  let kind: Kind
  /// The first space that has the table.
  let owner: Int
  /// The addresses at which the space has it; for what everybody has, where that begins.
  let addresses: [VirtualAddress]

  /// One sign for each kind, so that no color is needed; a digit where the space has the table more than once.
  var sign: String {
    switch kind {
    case .absent: "."
    case .stale: "?"
    case .everybodys: "="
    case .partOfEverybodys: "-"
    case .owned, .shared:
      switch addresses.count {
      case ...1: kind == .owned ? "o" : "="
      case ...9: "\(addresses.count)"
      default: "+"
      }
    }
  }
}

extension Explorer {
  /// The space of the selected row of the picture.
  var matrixSpaceNumber: Int? {
    let matrix = matrix
    guard index != nil, matrix.spaceNumbers.indices.contains(matrix.row) else { return nil }
    let number = matrix.spaceNumbers[matrix.row]
    return tree.spaces.indices.contains(number) ? number : nil
  }

  /// The share of a column; nil for what everybody has.
  func matrixShare(ofColumn column: Int) -> ParticularShare? {
    guard let index, index.shares.indices.contains(column) else { return nil }
    return index.shares[column]
  }

  /// What a space has of the share of a column, or of what everybody has.
  func matrixCell(space spaceNumber: Int, column: Int) -> MatrixCell {
    if let share = matrixShare(ofColumn: column) { return cell(of: share, in: spaceNumber) }
    return everybodysCell(space: spaceNumber)
  }

  private func cell(of share: ParticularShare, in spaceNumber: Int) -> MatrixCell {
    let owner = share.places[0].spaceNumber
    var addresses = share.places.filter { $0.spaceNumber == spaceNumber }.map(\.virtual)
    let isStale = tree.spaces[spaceNumber].found.isPossiblyStale
    if addresses.isEmpty, isStale || share.places.count < share.spaces {
      addresses = addressesLikeElsewhere(of: share, in: spaceNumber)
    }
    let kind: MatrixCell.Kind =
      addresses.isEmpty ? .absent : isStale ? .stale : spaceNumber == owner ? .owned : .shared
    return MatrixCell(kind: kind, owner: owner, addresses: addresses)
  }

  /// Addresses that are looked at in a space whose places nobody kept.
  private static let addressLimit = 4

  /// Those of the addresses at which other spaces have a table at which this one has it, too: of a share with very many
  /// places not all are kept.
  private func addressesLikeElsewhere(
    of share: ParticularShare, in spaceNumber: Int
  ) -> [VirtualAddress] {
    let space = tree.spaces[spaceNumber]
    let first = share.places[0]
    let scheme = tree.spaces[first.spaceNumber].schemeNumber(at: first.virtual)
    var tried: [VirtualAddress] = []
    var found: [VirtualAddress] = []
    for place in share.places where !tried.contains(place.virtual) && tried.count < Self.addressLimit {
      tried.append(place.virtual)
      guard space.schemeNumber(at: place.virtual) == scheme else { continue }
      let steps = space.found.space.translate(place.virtual, in: memory).steps
      if steps.contains(where: { $0.level == share.table.level && $0.table == share.table.address }) {
        found.append(place.virtual)
      }
    }
    return found
  }

  private func everybodysCell(space spaceNumber: Int) -> MatrixCell {
    let stretches = everybodysStretches(in: spaceNumber)
    let count = stretches.reduce(0) { $0 + $1.count }
    let kind: MatrixCell.Kind =
      count == 0
      ? .absent
      : tree.spaces[spaceNumber].found.isPossiblyStale
        ? .stale : count < matrix.everybodysCount ? .partOfEverybodys : .everybodys
    return MatrixCell(
      kind: kind, owner: matrix.spaceNumbers.first ?? 0, addresses: stretches.first.map { [$0.first] } ?? [])
  }

  /// What a space has of what everybody has.
  func everybodysStretches(in spaceNumber: Int) -> [EverybodysStretch] {
    index?.everybodysStretches(in: tree.spaces[spaceNumber], spaceNumber: spaceNumber, memory) ?? []
  }
}
