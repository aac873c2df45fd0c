import ArgumentParser
import Guests
import PageTables
import Records

struct AliasesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aliases",
    abstract: "Who else maps it: every space and address that reaches the same frame.",
    discussion: """
      The text form has one line per entry, with the first space that reaches it; --each, and --json, list every \
      space and address. With --space S alone: which spaces share user memory with that one, and how much.
      """)

  @OptionGroup var arguments: SharingArguments
  @Option(help: ArgumentHelp("The space: its name, process id, root (0x…) or cpuN.", valueName: "S"))
  var space: String?
  @Argument(
    help: ArgumentHelp("A virtual address in that space: hexadecimal, or symbol+offset.", valueName: "VA"))
  var address: String?
  @Option(help: ArgumentHelp("A physical address instead.", valueName: "PA"))
  var physical: String?
  @Flag(help: "List every space and address, in the text form, too.")
  var each = false
  @Option(help: ArgumentHelp("List at most this many; 0 lists all.", valueName: "N"))
  var limit = 10_000

  /// Entries that are kept to be listed, each with all of its aliases: in hostile tables every entry maps one frame.
  private static let mostEntries = 1 << 20
  @Flag(help: "One JSON record per line.") var json = false

  func validate() throws {
    let isSpaceAlone = address == nil && physical == nil && space != nil
    guard (address == nil) != (physical == nil) || isSpaceAlone else {
      throw ValidationError("give a virtual address (of --space S), --physical PA, or --space S alone")
    }
    if physical != nil, space != nil { throw ValidationError("--space and --physical exclude each other") }
    if limit < 0 { throw ValidationError("--limit takes 0 or more, not \(limit)") }
  }

  func run() throws {
    try reportingFailures {
      let virtual = try address.map(AddressArgument.parse)
      let physical = try self.physical.map(parse)
      var source = try SharingSource(arguments, json: json)
      let target: PhysicalAddress
      if let virtual {
        let spaceNumber = try source.spaceNumber(of: space)
        target = try translate(
          virtual.address(symbols: source.opened.symbols), in: source.used[spaceNumber].space, source.memory)
      } else if let physical {
        target = PhysicalAddress(physical)
      } else {
        return try listSharers(&source)
      }
      let index = try source.index()
      let aliases = source.timings.measure("aliases") {
        index.aliases(
          of: target, in: source.memory,
          limit: limit == 0 ? AliasesCommand.mostEntries : min(limit, AliasesCommand.mostEntries))
      }
      let names = try source.opened.names()
      let frame = names?.guest?.frameUse(of: target)
      let guest = (names: names, frame: frame)
      var output = StandardOutput(json: json)
      output.remark(
        header(aliases, index)
          + (frame.map { "; " + frameText($0.kind, $0.detail, $0.fileOffset) } ?? ""))
      if json || each {
        list(aliases, index, source, guest, &output)
      } else {
        listGroups(aliases, index, source, guest, &output)
      }
    }
  }

  /// Which spaces share user memory with a space.
  private func listSharers(_ source: inout SharingSource) throws {
    let spaceNumber = try source.spaceNumber(of: space)
    let index = try source.index()
    let sharers = source.timings.measure("sharers") { index.sharers(of: spaceNumber, in: source.memory) }
    var output = StandardOutput(json: json)
    for sharer in sharers.prefix(limit == 0 ? .max : limit) {
      let found = source.used[sharer.spaceNumber]
      output.put(SharerRecord(sharer, space: found.space, pid: found.pid))
    }
    output.remark(
      "\(counted(UInt64(sharers.count), "space shares", "spaces share")) user memory with "
        + printable(source.used[spaceNumber].space.name))
    if limit > 0, sharers.count > limit {
      complain("\(limit) of \(sharers.count) are listed; --limit N lists more")
    }
  }

  private func parse(_ text: String) throws -> UInt64 {
    guard let value = AddressText.parse(text) else {
      throw Failure("'\(text)' is not an address: hexadecimal digits, with or without 0x, up to 16 of them")
    }
    return value
  }

  private func translate(
    _ address: VirtualAddress, in space: AddressSpace, _ memory: any PhysicalMemory
  ) throws -> PhysicalAddress {
    let address = space.typed(address, in: memory)
    let translation = space.translate(address, in: memory)
    if let page = translation.page { return page.physical }
    if space.window(of: address) == nil {
      throw space.refusal(of: address)
    }
    let fault = TranslateRecord(translation, space: space)
    let position = fault.steps.last.map { " at \($0.level)[\($0.slot)] of table \($0.table)" } ?? ""
    throw Failure(
      "\(Hex(address)) maps no frame in \(space.name): \(fault.fault ?? "absent")\(position); "
        + "pagewalk translate shows the walk")
  }

  private func header(_ aliases: Aliases, _ index: SpaceIndex) -> String {
    let count = aliases.count
    guard count > 0 else { return "\(Hex(aliases.physical)): no mapping" }
    let spaces = index.spaceCount(of: aliases)
    let mappings = count == .max ? saturatingText(count) + " mappings" : counted(count, "mapping", "mappings")
    return "\(Hex(aliases.physical)): \(mappings) in \(counted(UInt64(spaces), "space", "spaces")) through "
      + counted(UInt64(aliases.groupCount), "entry", "entries")
  }

  private func counted(_ count: UInt64, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
  }

  /// What the guest tells of addresses, and of the frame.
  private typealias Guest = (names: GuestNames?, frame: FrameUse?)

  private func record(
    _ alias: Alias, _ group: AliasGroup, _ aliases: Aliases, _ source: SharingSource, _ guest: Guest
  ) -> AliasRecord {
    let found = source.used[alias.spaceNumber]
    return AliasRecord(
      alias, of: group, mapping: aliases.physical, space: found.space, pid: found.pid,
      region: guest.names?.region(at: alias.virtual, in: found), frame: guest.frame)
  }

  /// Every alias, up to the limit.
  private func list(
    _ aliases: Aliases, _ index: SpaceIndex, _ source: SharingSource, _ guest: Guest,
    _ output: inout StandardOutput
  ) {
    var room = limit == 0 ? Int.max : limit
    var long = LongList()
    func put(_ alias: Alias, _ group: AliasGroup, _ output: inout StandardOutput) {
      long.line { "there are \(saturatingText(aliases.count)) in all; --limit N lists fewer" }
      output.put(record(alias, group, aliases, source, guest))
    }
    for group in aliases.groups where room > 0 {
      // In order where there are few enough to sort; else as they come.
      if min(group.count, UInt64(room)) <= 1 << 16 {
        let members = index.members(of: group, mapping: aliases.physical, limit: room)
        room -= members.count
        for alias in members { put(alias, group, &output) }
      } else {
        index.forEachMember(of: group, mapping: aliases.physical) { alias in
          put(alias, group, &output)
          room -= 1
          return room > 0
        }
      }
    }
    reportCut(aliases.count, aliases)
  }

  /// A line for each entry, up to the limit.
  private func listGroups(
    _ aliases: Aliases, _ index: SpaceIndex, _ source: SharingSource, _ guest: Guest,
    _ output: inout StandardOutput
  ) {
    guard !aliases.groups.isEmpty else { return }
    let columns = AliasRecord.groupColumns
    output.remark(Column.line(columns.map(\.title), columns))
    // Where each root has its own entry of the direct map, one line stands for all of them.
    var direct: [VirtualAddress: Int] = [:]
    for group in aliases.groups {
      if group.kind == .directMap {
        direct[group.first.virtual, default: 0] += 1
        guard direct[group.first.virtual] == 1 else { continue }
      }
      output.remark(Column.line(record(group.first, group, aliases, source, guest).groupCells, columns))
    }
    let more = direct.values.reduce(0) { $0 + $1 - 1 }
    if more > 0 {
      output.remark("direct-map: \(counted(UInt64(more), "more entry", "more entries")) at the same address")
    }
    reportCut(UInt64(aliases.groupCount), aliases)
  }

  private func reportCut(_ count: UInt64, _ aliases: Aliases) {
    if limit > 0, count > UInt64(limit) {
      complain("\(limit) of \(saturatingText(count)) are listed; --limit N lists more")
    } else if aliases.groups.count < aliases.groupCount {
      complain("only those of the first \(aliases.groups.count) of \(aliases.groupCount) entries are listed")
    }
  }
}
