import ArgumentParser
import Guests
import MemoryImages
import PageTables
import Records

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "List what changed in the page tables between two moments: dumps or captures of one machine.",
    discussion: """
      added, removed; moved: another frame; access: other rights; marked: an entry that maps nothing keeps \
      something (swap, PROT_NONE), or did; bits: another page size, memory type or software bit; space-added, \
      space-removed. What all spaces have of the kernel is listed once, with the kernel's own space. \
      The exit status is that of diff(1): 0 nothing changed, 1 something did, 2 it failed.
      """)

  @Argument(help: "The earlier memory: a dump, or a capture.")
  var old: String
  @Argument(help: "The later memory; need not have the same format.")
  var new: String
  @OptionGroup var reading: ReadingOptions
  @Option(
    help: ArgumentHelp(
      "Only this space, with what it has of the kernel: its name, process id, root (0x…) or cpuN.",
      valueName: "S"))
  var space: String?
  @Flag(help: "Accessed and dirty bits count as well.")
  var bits = false
  @Flag(help: "One JSON record per line.") var json = false

  func run() throws {
    try reportingFailures(status: 2) {
      let moments = try (old: open(old), new: open(new))
      let spaces = try matchedSpaces(moments.old, moments.new)
      let names = try (old: moments.old.names(), new: moments.new.names())
      let timings = moments.new.timings
      let diff = timings.measure("compare") {
        SpaceDiff(
          old: moments.old.image.memory, new: moments.new.image.memory, spaces: spaces.map(\.pair),
          countsUse: bits)
      }
      guard let diff else { throw Failure("the comparison was cancelled") }
      var listing = ChangeListing(
        diff: diff, spaces: spaces, names: names, countsUse: bits, isOfOneSpace: space != nil)
      var output = StandardOutput(json: json)
      timings.measure("changes") { listing.listAll(&output) }
      if diff.missingTables > 0 {
        let tables = diff.missingTables == 1 ? "1 table is" : "\(diff.missingTables) tables are"
        complain("\(tables) not in both sources; what is below is not compared")
      }
      if !diff.isComplete || !listing.isComplete {
        complain("too much to compare everything: some changes may not be listed")
      }
      if listing.hasChanges { throw ExitCode(1) }
    }
  }

  private func open(_ source: String) throws -> OpenedSource {
    try OpenedSource(source, reading, json: json)
  }

  /// The spaces to be compared: the one that is asked for, or all that somebody has.
  private func matchedSpaces(_ old: OpenedSource, _ new: OpenedSource) throws -> [MatchedSpace] {
    let (olds, news) = try (old.allSpaces().spaces, new.allSpaces().spaces)
    let matched = SpaceMatching.match(old: olds, new: news)
    if matched.allSatisfy({ $0.old == nil || $0.new == nil }), let before = olds.first, let after = news.first
    {
      let schemes = [before, after].map(\.space.scheme.title)
      let differ = schemes[0] == schemes[1] ? "" : " (\(schemes[0]), \(schemes[1]))"
      complain("no space is in both: these are hardly two moments of one machine\(differ)")
    }
    guard let space else {
      let used = matched.filter { ($0.old?.isCompared ?? false) || ($0.new?.isCompared ?? false) }
      // Where nothing else is left, freed ones are better than nothing.
      return used.isEmpty ? matched : used
    }
    if let wanted = new.match(space, news) { return matched.filter { $0.new == wanted } }
    if let wanted = old.match(space, olds) { return matched.filter { $0.old == wanted } }
    // A root that no search finds.
    let wantedOld = try? old.space(space)
    let wantedNew = try wantedOld == nil ? new.space(space) : try? new.space(space)
    return SpaceMatching.match(old: wantedOld.map { [$0] } ?? [], new: wantedNew.map { [$0] } ?? [])
  }
}

/// Lists what differs, space by space.
private struct ChangeListing {
  let diff: SpaceDiff
  let spaces: [MatchedSpace]
  let names: (old: GuestNames?, new: GuestNames?)
  let countsUse: Bool
  let isOfOneSpace: Bool
  private(set) var isComplete = true
  private var ranges = 0
  private var changedSpaces = 0
  private var wholeSpaces = 0
  private var long = LongList()

  /// Nobody reads more of one space, and hostile tables differ without end.
  private static let mostRanges = 1 << 24

  init(
    diff: SpaceDiff, spaces: [MatchedSpace], names: (old: GuestNames?, new: GuestNames?), countsUse: Bool,
    isOfOneSpace: Bool
  ) {
    self.diff = diff
    self.spaces = spaces
    self.names = names
    self.countsUse = countsUse
    self.isOfOneSpace = isOfOneSpace
  }

  var hasChanges: Bool { ranges > 0 || wholeSpaces > 0 }

  mutating func listAll(_ output: inout StandardOutput) {
    // What the kernel's own space has, all have.
    let kernel = isOfOneSpace ? nil : spaces.firstIndex { $0.isKernelsOwn }
    for number in spaces.indices {
      let matched = spaces[number]
      if matched.old == nil || matched.new == nil {
        wholeSpaces += 1
        output.put(DiffRecord(wholeSpace: matched))
        guard isOfOneSpace else { continue }
      }
      list(number, besides: kernel == number ? nil : kernel, &output)
    }
    output.remark(summary)
  }

  private mutating func list(_ number: Int, besides companion: Int?, _ output: inout StandardOutput) {
    let matched = spaces[number]
    var contents = (
      old: matched.old.map { DiffContents($0.space, names: names.old, countsUse: countsUse) },
      new: matched.new.map { DiffContents($0.space, names: names.new, countsUse: countsUse) }
    )
    var listed = 0
    let isWhole = diff.forEachChange(ofSpace: number, besides: companion) { range in
      listed += 1
      long.line { "the list is not complete yet; --space S lists one space" }
      output.put(
        DiffRecord(
          range, in: matched,
          old: contents.old?.content(range.old, at: range.virtual, window: range.window),
          new: contents.new?.content(range.new, at: range.virtual, window: range.window),
          region: matched.region(of: range, old: names.old, new: names.new)))
      return listed < ChangeListing.mostRanges
    }
    if !isWhole { isComplete = false }
    ranges += listed
    if listed > 0 { changedSpaces += 1 }
  }

  private var summary: String {
    guard hasChanges else { return "nothing changed" }
    var parts: [String] = []
    if ranges > 0 {
      parts.append(
        "\(ranges) range\(ranges == 1 ? "" : "s") of \(changedSpaces) space\(changedSpaces == 1 ? "" : "s")")
    }
    let (came, went) = (spaces.count { $0.old == nil }, spaces.count { $0.new == nil })
    if came > 0 { parts.append("\(came) space\(came == 1 ? "" : "s") added") }
    if went > 0 { parts.append("\(went) space\(went == 1 ? "" : "s") removed") }
    return parts.joined(separator: ", ")
  }
}
