import ArgumentParser
import Guests
import PageTables
import Records

struct MapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map", abstract: "List what one space maps, as ranges with equal attributes.")

  enum Merge: String, ExpressibleByArgument, CaseIterable {
    case vapa = "va,pa"
    case va
  }

  @OptionGroup var arguments: SourceArguments
  @Option(help: ArgumentHelp("The space: its name, process id, root (0x…) or cpuN.", valueName: "S"))
  var space: String?
  @Option(
    help: ArgumentHelp(
      "Only these virtual addresses, hexadecimal or symbol+offset; B is exclusive.", valueName: "A..B"))
  var range: String?
  @Option(
    help: ArgumentHelp(
      "Only mappings that pass: w x u s, !w, huge, 4k 2m 4m 1g. Or marked: entries that map nothing and keep "
        + "something, each on a line of its own.", valueName: "F"))
  var filter: String?
  @Flag(help: "Every leaf on a line of its own, with its level and raw entry.")
  var each = false
  @Option(help: "What must be contiguous in a range: va,pa, or va only.")
  var merge = Merge.vapa
  @Flag(help: "End ranges where regions of the guest end, so that each lies in one or in none.")
  var byRegion = false
  @Flag(help: "One JSON record per line.") var json = false

  private var listsMarks: Bool { filter?.lowercased() == "marked" }

  func validate() throws {
    if listsMarks {
      if merge == .va || byRegion {
        throw ValidationError("--filter marked lists single entries: without --merge and --by-region")
      }
    } else if let filter {
      do { _ = try LeafFilter(filter) } catch { throw ValidationError("--filter: \(error)") }
    }
    if let range, AddressRangeArgument(range) == nil {
      throw ValidationError(
        "--range: '\(range)' is not a range A..B of addresses: hexadecimal, or symbol+offset")
    }
    if each, merge == .va { throw ValidationError("--each and --merge exclude each other") }
  }

  func run() throws {
    try reportingFailures {
      let source = try OpenedSource(arguments, json: json)
      let found = try source.space(self.space)
      let space = found.space
      let memory = source.image.memory
      let filter = listsMarks ? nil : try filter.map { try LeafFilter($0) }
      let bounds = try bounds(space, source)
      guard (try? memory.withPage(at: space.root) { _ in true }) != nil else {
        throw Failure("root \(Hex(space.root)) of \(space.name) is not in the dump")
      }
      let guest = try source.names()
      let names = guest?.names(of: found)
      var output = StandardOutput(json: json)
      if listsMarks {
        let summary = source.timings.measure("walk") {
          listMarks(of: found, bounds, memory, names: guest, &output)
        }
        return report(summary, space)
      }
      var flags = space.windows.map { LeafFlags($0.scheme) }
      var shown = 0
      var long = LongList()
      let summary = source.timings.measure("walk") {
        let show = { (range: MappedRange) in
          let scheme = space.windows[range.window].scheme
          let pageSize = scheme.levels[range.level].pageSize(of: range.raw)
          let smallest = scheme.levels[scheme.levels.count - 1].span
          guard
            filter?.matches(rights: scheme.shown(range.rights), pageSize: pageSize, smallestPage: smallest)
              ?? true
          else {
            return true
          }
          for part in byRegion ? names?.parts(of: range) ?? [range] : [range] {
            shown += 1
            long.line { lengthRemark(space, memory) }
            output.put(
              MapRecord(
                part, space: space, flags: flags[part.window].names(of: part.raw, level: part.level),
                isInDump: isInDump(part, memory), showsEntry: each,
                region: names?.commonRegion(of: part)))
          }
          return true
        }
        guard each else {
          return space.forEachRange(
            in: memory, from: bounds.first, through: bounds.last,
            merging: merge == .va ? .virtualOnly : .virtualAndPhysical, show)
        }
        return space.forEachLeaf(in: memory, from: bounds.first, through: bounds.last) { leaf in
          let span = space.windows[leaf.window].scheme.levels[leaf.level].span
          return show(
            MappedRange(
              virtual: leaf.virtual, physical: leaf.physical, length: span,
              level: leaf.level, raw: leaf.raw, rights: leaf.rights, window: leaf.window))
        }
      }
      if shown == 0 {
        output.remark("no mapping " + (summary.leaves == 0 ? "is there" : "passes the filter"))
      }
      report(summary, space)
    }
  }

  private func bounds(
    _ space: AddressSpace, _ source: OpenedSource
  ) throws -> (first: VirtualAddress?, last: VirtualAddress?) {
    guard let range, let wanted = AddressRangeArgument(range) else { return (nil, nil) }
    let first = try wanted.first?.address(symbols: source.symbols).value
    let end = try wanted.end?.address(symbols: source.symbols).value
    if let end, first ?? 0 >= end {
      throw Failure("--range \(range) is empty: its end is not above its start")
    }
    if let first, !space.scheme.isSignExtended, let last = space.windows.last?.last.value, first > last {
      throw Failure("--range: \(Hex(first)) is too large for \(space.scheme.title)")
    }
    let (lowest, highest) = (VirtualAddress(first ?? 0), VirtualAddress((end ?? 0) &- 1))
    if let missing = space.missingRoot(for: lowest), missing == space.missingRoot(for: highest) {
      throw space.refusal(of: lowest)
    }
    return (first.map { VirtualAddress($0) }, end.map { VirtualAddress($0 &- 1) })
  }

  /// Lists the entries that map nothing and keep something.
  private func listMarks(
    of found: FoundSpace, _ bounds: (first: VirtualAddress?, last: VirtualAddress?),
    _ memory: any PhysicalMemory,
    names: GuestNames?, _ output: inout StandardOutput
  ) -> WalkSummary {
    // Tables that lead to themselves have more leaves than anybody can wait for.
    let limit = 1 << 28
    var passed = 0
    var long = LongList()
    let summary = found.space.forEachLeafAndMark(
      in: memory, from: bounds.first, through: bounds.last,
      leaf: { _ in
        passed += 1
        return passed < limit
      },
      mark: { mark in
        long.line { "the list is not complete yet; --range A..B lists fewer" }
        let translation = found.space.translate(mark.virtual, in: memory)
        let knowledge = names?.knowledge(of: translation, in: found) ?? AddressKnowledge()
        output.put(MarkRecord(mark, translation, space: found.space, guest: knowledge))
        return true
      })
    if !summary.isComplete {
      complain("stopped after \(passed) mappings before the end; --range selects a part")
    } else if summary.markedEntries == 0 {
      output.remark("there are no marked entries")
    }
    return summary
  }

  /// How long the list can get, and what bounds it.
  private func lengthRemark(_ space: AddressSpace, _ memory: any PhysicalMemory) -> String {
    var mappings: UInt64 = 0
    for window in space.windows {
      guard let graph = TableGraph(roots: [window.root], scheme: window.scheme, memory: memory) else {
        return "the list is not complete yet" + howToListFewer
      }
      guard let root = graph.roots.first.flatMap(\.self) else { continue }
      let (sum, isTooMuch) = mappings.addingReportingOverflow(graph.leavesBelow()[root])
      mappings = isTooMuch ? .max : sum
    }
    return "the space has \(saturatingText(mappings)) mappings in all" + howToListFewer
  }

  private var howToListFewer: String {
    "; --range A..B and --filter F list fewer" + (each ? ", as do ranges, without --each" : "")
  }

  private func isInDump(_ range: MappedRange, _ memory: any PhysicalMemory) -> Bool {
    guard !range.isOneFrame else { return memory.holds(range.physical) }
    return memory.extent.dumped.contains(
      PhysicalRange(range.physical, range.physical.advanced(by: range.length)))
  }

  /// Nothing is passed over in silence.
  private func report(_ summary: WalkSummary, _ space: AddressSpace) {
    let (missing, malformed) = (summary.missingTables, summary.malformedEntries)
    if missing > 0 {
      let tables =
        missing == 1
        ? "1 table is not in the dump; what it maps" : "\(missing) tables are not in the dump; what they map"
      complain(tables + " is not listed")
    }
    if malformed > 0 {
      let hasForms = space.windows.contains { $0.scheme.hasFaultyForms }
      complain(
        (malformed == 1 ? "1 entry is" : "\(malformed) entries are") + " malformed (reserved bits set"
          + (hasForms ? " or a form that is not allowed)" : ")"))
    }
  }
}

extension AddressNames {
  /// The smallest region that holds all of a range, unless another one starts or ends inside of it.
  fileprivate func commonRegion(of range: MappedRange) -> NamedRegion? {
    let last = VirtualAddress(range.end &- 1)
    let touched = regions(from: range.virtual, through: last)
    guard touched.allSatisfy({ $0.first <= range.virtual && $0.last >= last }) else { return nil }
    return touched.min { $0.length < $1.length }
  }

  /// A range, cut where regions start or end; pages of the smallest size stay whole.
  fileprivate func parts(of range: MappedRange) -> [MappedRange] {
    let last = VirtualAddress(range.end &- 1)
    var cuts: Set<UInt64> = []
    for region in regions(from: range.virtual, through: last) {
      for border in [region.first.value, region.last.value &+ 1] {
        let page = border & ~(Frame.size - 1)
        if page > range.virtual.value, page <= last.value { cuts.insert(page) }
      }
    }
    var parts: [MappedRange] = []
    var start = range.virtual.value
    for cut in cuts.sorted() + [range.end] {
      var part = range
      part.virtual = VirtualAddress(start)
      part.length = cut &- start
      if !range.isOneFrame { part.physical = range.physical.advanced(by: start &- range.virtual.value) }
      parts.append(part)
      start = cut
    }
    return parts
  }
}
