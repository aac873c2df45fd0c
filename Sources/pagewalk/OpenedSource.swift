import Guests
import MemoryImages
import PageTables
import Records
import Targets

/// What standard error was told of a source, so that each line comes once, however often its spaces are looked up.
private final class Warnings {
  private static let shown = 8
  private var said: Set<String> = []

  func say(_ warnings: [String]) {
    let new = warnings.filter { said.insert($0).inserted }
    for warning in new.prefix(Warnings.shown) { complain(warning) }
    if new.count > Warnings.shown { complain("and \(new.count - Warnings.shown) more warnings") }
  }
}

/// Opens a file, or what ships in the program by its name, unless there is a file of that name.
func openSource(_ name: String, _ options: SourceOptions) throws(ImageError) -> MemoryImage {
  do {
    return try MemoryImage.open(name, options: options)
  } catch {
    guard let builtIn = BuiltInImage(rawValue: name), case .noSuchFile = error else { throw error }
    return try builtIn.open()
  }
}

/// A source that a command opened: its memory, and its spaces as far as they are found.
struct OpenedSource {
  /// The machine that runs, where it is one: `image` is its memory at one moment.
  let machine: LiveMachine?
  let image: MemoryImage
  let discovery: SpaceDiscovery
  /// How it was opened, as options of the command line.
  let options: [String]
  let timings: Timings
  /// Whether warnings go to standard error; on a screen they have another place.
  private let warns: Bool
  private let warnings = Warnings()
  /// Whether nothing in the file says that it is raw memory.
  private let isGuessedRaw: Bool

  init(_ arguments: SourceArguments, json: Bool) throws {
    try self.init(arguments.source, arguments.reading, json: json)
  }

  /// A file, what ships in the program, or a machine that runs, by its name.
  init(_ name: String, _ reading: ReadingOptions, json: Bool, warns: Bool = true) throws {
    guard let target = try Targets.open(name) else {
      try self.init(reading, json: json, warns: warns) { options throws(ImageError) in
        try openSource(name, options)
      }
      return
    }
    try self.init(target, reading, json: json, warns: warns)
  }

  /// A machine that runs, at the moment of opening.
  init(_ target: any Target, _ reading: ReadingOptions, json: Bool, warns: Bool = true) throws {
    let timings = Timings(isOn: reading.timings, json: json)
    let options = try reading.sourceOptions()
    guard options.format == nil, !options.describesRaw, options.linear.isEmpty else {
      throw Failure("\(target.name): is a machine that runs; --format, --base and the like are for files")
    }
    let machine = LiveMachine(target, try reading.searchOptions())
    let moment = try machine.nextMoment { step, work in pagewalk.perform(step, work, timings) }
    self.machine = machine
    self.warns = warns
    isGuessedRaw = false
    image = moment.image
    self.options = reading.words
    self.timings = timings
    discovery = moment.discovery
  }

  init(
    _ reading: ReadingOptions, json: Bool, warns: Bool = true,
    opening open: (SourceOptions) throws(ImageError) -> MemoryImage
  ) throws {
    machine = nil
    let timings = Timings(isOn: reading.timings, json: json)
    let options = try reading.sourceOptions()
    let image = try timings.measure("open") { try open(options) }
    // An explorer that goes on with another source says there what happens to it.
    if warns { CommandSources.current?.add(image) }
    self.warns = warns
    isGuessedRaw = options.format == nil && image.format == "raw"
    self.image = image
    self.options = reading.words
    self.timings = timings
    discovery = SpaceDiscovery(SpaceSearch(image, try reading.searchOptions()))
  }

  var search: SpaceSearch { discovery.search }

  /// All spaces by their names, after a scan where one is called for.
  func allSpaces() throws -> FoundSpaces {
    _ = try knownSpaces()
    var known = FoundSpaces()
    let spaces = try discovery.all { step, work in
      if step == .scan { known = discovery.spaces }
      perform(step, work)
    }
    if known.spaces.isEmpty, !spaces.spaces.isEmpty {
      warnAll(spaces)
    } else if warns {
      // What no space came of is part of the error.
      warnings.say(spaces.warnings.filter { !known.warnings.contains($0) })
    }
    guard !spaces.spaces.isEmpty else {
      if let machine = search.foreignMachine(), !machine.isSupported {
        throw ImageError.unsupportedMachine(image.name, machine)
      }
      var tried: [String] = []
      if image.capture != nil { tried.append("the capture's list") }
      if !image.cpus.isEmpty {
        let attempts = spaces.attempts.prefix(4).joined(separator: ", ")
        let more = spaces.attempts.count > 4 ? ", .." : ""
        let count = image.cpus.count == 1 ? "1 CPU" : "\(image.cpus.count) CPUs"
        tried.append("the registers of \(count)" + (attempts.isEmpty ? "" : ": \(attempts)\(more)"))
      }
      tried.append("a scan of \(ByteText.rounded(image.memory.extent.readable.length)) of memory")
      let what =
        isGuessedRaw
        ? "unknown format (not ELF core, LiME, AVML, kdump, LKCD or Xen core), and read as raw memory it has no page-table roots"
        : "no page-table roots found"
      // What is missing may be what was looked for.
      let damage = isGuessedRaw ? "" : image.warnings.prefix(2).map { "; \($0)" }.joined()
      throw Failure(
        "\(image.name): \(what) (tried \(tried.joined(separator: ", ")))\(damage); name one with --root NAME=PA"
      )
    }
    return spaces
  }

  private func perform(_ step: SpaceDiscovery.Step, _ work: (_ progress: @escaping (Double) -> Bool) -> Void)
  {
    pagewalk.perform(step, work, timings)
  }

  /// What the guest, or a capture of one, calls addresses and frames; nil where there is neither.
  func names() throws -> GuestNames? {
    if let names = discovery.names { return names }
    // What needs no search leads to the kernel, too.
    if try discovery.known().spaces.isEmpty, search.mayHoldGuest {
      _ = try allSpaces()
    } else {
      discovery.readGuest(by: perform)
    }
    return discovery.names
  }

  /// The symbols of the guest's kernel, nil where there are none.
  func symbols() throws -> KernelSymbols? { try names()?.symbols }

  /// A space that may have been looked up without its guest, by the name of its process.
  func named(_ found: FoundSpace) -> FoundSpace {
    discovery.readGuest(by: perform)
    return discovery.named(found)
  }

  /// The spaces that no scan is needed for; a root that is none is an error that names those that were found.
  func knownSpaces() throws -> FoundSpaces {
    do {
      let known = try discovery.known()
      // An error is one line: what is wrong with the source waits until something can be said of it.
      if !known.spaces.isEmpty { warnAll(known) }
      return known
    } catch {
      guard case .unknownScheme = error else {
        let found = SpaceDiscovery(SpaceSearch(image, optionsWithoutRoots))
        _ = try? found.known()
        _ = found.scan { _ in true }
        let spaces = found.spaces.spaces
        let names = spaces.prefix(6).map { AddressText.hex($0.space.root.value) }
        let list =
          names.isEmpty ? "none found" : names.joined(separator: " ") + (spaces.count > 6 ? " …" : "")
        throw Failure("\(error); roots in this memory: \(list)")
      }
      throw error
    }
  }

  /// All that is wrong with the source, and with what is known of its spaces.
  private func warnAll(_ found: FoundSpaces) {
    if warns { warnings.say(image.warnings + found.warnings) }
  }

  private var optionsWithoutRoots: SpaceSearchOptions {
    var options = search.options
    options.roots = []
    return options
  }

  /// The space that the user means: by name, by process id, by root; without a wish the first one.
  ///
  /// Searches all of memory only when what is known without that does not hold it.
  func space(_ wish: String?) throws -> FoundSpace {
    let found = try wanted(wish)
    // What its entries keep is its guest's.
    return try names()?.guest.map { search.marked(found, by: $0) } ?? found
  }

  private func wanted(_ wish: String?) throws -> FoundSpace {
    let known = try timings.measure("spaces") { try knownSpaces() }
    guard let wish else {
      // What a CPU runs comes first to mind; without CPUs, what is listed first.
      if known.spaces.isEmpty { discovery.readGuest(by: perform) }
      let named = known.spaces.isEmpty ? discovery.spaces.spaces : known.spaces
      let spaces = named.isEmpty ? try allSpaces().spaces : named
      return spaces.first(where: \.isOnCPU) ?? spaces[0]
    }
    if let found = match(wish, known.spaces) { return found }
    let root = AddressText.parse(wish)
    // The root of a window that is not the first of its space, as the kernel's by Arm's TTBR1.
    let window = known.spaces.lazy.flatMap(\.space.windows).first { $0.root.value == root }
    if let address = root, wish.lowercased().hasPrefix("0x"), window == nil,
      let first = known.spaces.first,
      known.canScan, image.couldBeRoot(PhysicalAddress(address), first.space.scheme)
    {
      let space = AddressSpace(name: wish, root: PhysicalAddress(address), scheme: first.space.scheme)
      return FoundSpace(space: space, origin: .given)
    }
    discovery.readGuest(by: perform)
    if let found = match(wish, discovery.spaces.spaces) { return found }
    if let window { return FoundSpace(space: AddressSpace(name: wish, windows: [window]), origin: .given) }
    let all = try allSpaces().spaces
    if let found = match(wish, all) { return found }
    throw Failure(
      "\(image.name): no space '\(wish)'; \(nearest(to: wish, all)); pagewalk spaces lists all \(all.count)")
  }

  func match(_ wish: String, _ spaces: [FoundSpace]) -> FoundSpace? {
    let byName = spaces.filter { $0.space.name == wish }
    if let first = byName.first {
      if byName.count > 1 { complain(choice(of: first, among: byName)) }
      return first
    }
    if wish.allSatisfy(\.isWholeNumber), let pid = Int(wish),
      let byPid = spaces.first(where: { $0.pid == pid })
        ?? spaces.first(where: { $0.isUsed(by: { $0.pid == pid }) })
    {
      return byPid
    }
    if let byUser = spaces.first(where: { $0.isUsed(by: { $0.name == wish }) }) { return byUser }
    if let address = AddressText.parse(wish),
      let byRoot = spaces.first(where: { $0.space.root.value == address })
    {
      return byRoot
    }
    let byCPU = spaces.first { wish == $0.foundBy || wish == $0.foundBy.filter { $0 != " " } }
    return byCPU
  }

  /// Which of several spaces of one name it is, and how to name another.
  private func choice(of chosen: FoundSpace, among spaces: [FoundSpace]) -> String {
    func id(_ found: FoundSpace) -> String {
      found.pid.map(String.init) ?? AddressText.hex(found.space.root.value)
    }
    return "\(spaces.count) spaces are called \(printable(chosen.space.name)); this is \(id(chosen)) of "
      + spaces.prefix(8).map(id).joined(separator: ", ") + (spaces.count > 8 ? ", …" : "")
  }

  /// The spaces that come closest to a wish that none fulfils.
  private func nearest(to wish: String, _ spaces: [FoundSpace]) -> String {
    if let address = AddressText.parse(wish) {
      let sorted = spaces.sorted { distance($0, address) < distance($1, address) }
      return "nearest roots: "
        + sorted.prefix(3).map { AddressText.hex($0.space.root.value) }.joined(separator: " ")
    }
    let alike = spaces.filter { $0.space.name.lowercased().contains(wish.lowercased()) }
    let chosen = alike.isEmpty ? spaces : alike
    return "there are: " + chosen.prefix(4).map(\.space.name).joined(separator: ", ")
      + (chosen.count > 4 ? ", …" : "")
  }

  private func distance(_ found: FoundSpace, _ address: UInt64) -> UInt64 {
    let root = found.space.root.value
    return root > address ? root - address : address - root
  }
}

/// Times a step of the discovery, and shows its progress.
private func perform(
  _ step: SpaceDiscovery.Step, _ work: (_ progress: @escaping (Double) -> Bool) -> Void, _ timings: Timings
) {
  timings.measure(step.rawValue) {
    var progress = step == .scan ? ScanProgress() : ScanProgress(step.rawValue)
    defer { progress.clear() }
    work { fraction in
      progress.show(fraction)
      return true
    }
  }
}

extension FoundSpace {
  /// Whether any of the processes that use it is one.
  fileprivate func isUsed(by isMeant: (SpaceProcess) -> Bool) -> Bool { processes.contains(where: isMeant) }
}
