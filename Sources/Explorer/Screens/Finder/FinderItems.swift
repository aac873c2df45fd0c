import Canvas
import Guests
import PageTables

/// All that the finder looks through: processes, the files that they map, their regions, the kernel's symbols. An item
/// is a number from 0.
package struct FinderItems: Sendable {
  enum Kind: Int, Sendable {
    case process, file, region, symbol

    /// How many letters more would have to match well of something less wanted: many symbols have any letters.
    var weight: Int {
      switch self {
      case .process: 2 * FuzzyQuery.letterScore
      case .file, .region: FuzzyQuery.letterScore
      case .symbol: 0
      }
    }

    var title: String {
      switch self {
      case .process: "space"
      case .file: "file"
      case .region: "region"
      case .symbol: "symbol"
      }
    }
  }

  /// Where an item leads.
  enum Goal: Sendable {
    case space(Int)
    case region(NamedRegion, spaceNumber: Int)
    /// In whatever space has the guest's kernel.
    case symbol(VirtualAddress)
  }

  private struct Named: Sendable {
    let kind: Kind
    let name: String
    let place: String
    let goal: Goal
  }

  private var named: [Named] = []
  /// What is searched of each of `named`, one behind the other, and where each ends.
  private var letters: [UInt8] = []
  private var ends: [Int] = []
  private let symbols: KernelSymbols?

  /// - Parameter regions: none as long as they are not read.
  init(
    _ spaces: [TreeSpace], regions: [RegionGathering.Region], symbols: KernelSymbols?
  ) {
    self.symbols = symbols
    for (number, space) in spaces.enumerated() {
      let others = space.otherProcesses(limit: 100)
      add(
        Named(
          kind: .process, name: space.label,
          place: [space.commandLine, others].filter { !$0.isEmpty }.joined(separator: ", "),
          goal: .space(number)))
    }
    addFiles(of: regions, spaces)
    for found in regions {
      let number = found.spaceNumber
      let scheme = spaces[number].scheme
      add(
        Named(
          kind: .region, name: CellText.visible(found.region.title),
          place: "\(spaces[number].label)  \(Numbers.grouped(found.region.first, in: scheme))",
          goal: .region(found.region, spaceNumber: number)))
    }
  }

  /// Each file once, with the number of processes that map it; it leads to its first region in the first of them.
  private mutating func addFiles(of regions: [RegionGathering.Region], _ spaces: [TreeSpace]) {
    var files: [String: (first: Int, last: Int, processes: Int)] = [:]
    for (index, found) in regions.enumerated() where found.region.fileOffset != nil {
      var file = files[found.region.name] ?? (index, found.spaceNumber, 1)
      if file.last != found.spaceNumber { file = (file.first, found.spaceNumber, file.processes + 1) }
      files[found.region.name] = file
    }
    for file in files.values.sorted(by: { $0.first < $1.first }) {
      let found = regions[file.first]
      let number = found.spaceNumber
      let users =
        file.processes == 1 ? spaces[number].label : "\(spaces[number].label) and \(file.processes - 1) more"
      add(
        Named(
          kind: .file, name: CellText.visible(found.region.name), place: users,
          goal: .region(found.region, spaceNumber: number)))
    }
  }

  private mutating func add(_ item: Named) {
    named.append(item)
    letters += item.name.utf8
    letters.append(UInt8(ascii: " "))
    // All files of all processes answer to every process's name else.
    if item.kind != .file { letters += item.place.utf8 }
    ends.append(letters.count)
  }

  var count: Int { named.count + (symbols?.count ?? 0) }

  func kind(_ item: Int) -> Kind { item < named.count ? named[item].kind : .symbol }

  /// The letters that are searched.
  func text(_ item: Int) -> ArraySlice<UInt8> {
    guard item < named.count else { return symbols?.letters(at: item - named.count) ?? [] }
    return letters[(item == 0 ? 0 : ends[item - 1])..<ends[item]]
  }

  func name(_ item: Int) -> String {
    guard item < named.count else {
      return CellText.visible(symbols?.symbol(at: item - named.count).name ?? "")
    }
    return named[item].name
  }

  /// What tells it from others of its name.
  func place(_ item: Int) -> String {
    guard item < named.count else {
      return symbols.map { Numbers.hex($0.symbol(at: item - named.count).address) } ?? ""
    }
    return named[item].place
  }

  func goal(_ item: Int) -> Goal? {
    guard item < named.count else {
      return symbols.map {
        .symbol(VirtualAddress($0.symbol(at: item - named.count).address))
      }
    }
    return named[item].goal
  }

  /// The space that an item lies in; nil for symbols.
  func spaceNumber(_ item: Int) -> Int? {
    switch goal(item) {
    case .space(let number), .region(_, let number): number
    case .symbol, nil: nil
    }
  }
}
