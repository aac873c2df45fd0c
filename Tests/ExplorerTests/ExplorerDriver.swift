import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// An explorer that a test drives as a person would: keys in, screen and work out.
struct ExplorerDriver {
  var explorer: Explorer
  /// The work that the last call asked for, but for what the driver did itself.
  private(set) var work: [ExplorerWork] = []
  /// Whether spaces are indexed as soon as the explorer asks for it, as they are in a program without a terminal.
  var indexesAtOnce = true
  /// Whether names of spaces are read as soon as the explorer asks for them.
  var readsNamesAtOnce = true
  /// Whether slices of work are done before the next key, as they are in all programs.
  var proceedsAtOnce = true
  /// What the machine is like when the next moment is taken; nil where taking one fails.
  var nextMoment: (memory: any PhysicalMemory, spaces: [FoundSpace])?

  /// An explorer whose scan is done; the tree has the focus, and nothing is open.
  init(
    memory: any PhysicalMemory, spaces: [FoundSpace], width: Int = 80, height: Int = 24,
    warnings: [String] = [], registers: Registers = Registers()
  ) {
    explorer = Explorer(
      memory: memory, sourceName: "guest.elf", formatName: "ELF core", warnings: warnings,
      registers: registers)
    send(.input(.resize(width: width, height: height)))
    find(spaces)
  }

  /// Over the small guest.
  init(width: Int = 80, height: Int = 24, warnings: [String] = []) {
    self.init(
      memory: SmallGuest.memory, spaces: SmallGuest.spaces, width: width, height: height, warnings: warnings)
  }

  // MARK: What happens

  mutating func send(_ event: ExplorerEvent) {
    work = []
    var events = [event]
    while let next = events.popLast() {
      for item in explorer.update(next) {
        switch item {
        case .proceed where proceedsAtOnce: events.append(.proceed)
        case .index(let request, let spaces, let census) where indexesAtOnce:
          if let index = ExplorerIndex(spaces, census, memory: explorer.memory) {
            events.append(.indexed(request: request, index))
          }
        case .readNames(let request, let search) where readsNamesAtOnce:
          events.append(.namesRead(request: request, search.run()))
        case .gatherRegions(let request, let gathering):
          events.append(.regionsGathered(request: request, gathering.run()))
        case .findSharers(let request, let search):
          events.append(.sharersFound(request: request, search.run()))
        case .takeMoment(let request, let base): events.append(moment(request, base))
        case .compareMoments(let request, let comparison):
          events.append(.momentsCompared(request: request, comparison.run()))
        default: work.append(item)
        }
      }
    }
  }

  private func moment(_ request: Int, _ base: KeptMoment) -> ExplorerEvent {
    guard let next = nextMoment, let source = explorer.live.source else {
      return .momentFailed(request: request, "the machine went away; the last moment stays")
    }
    var spaces = FoundSpaces()
    spaces.spaces = next.spaces
    let now = KeptMoment(name: "", memory: next.memory, spaces: next.spaces, names: nil)
    return .momentTaken(
      request: request,
      TakenMoment(
        memory: next.memory, spaces: spaces, names: nil, commandLines: [:], registers: Registers(),
        index: ExplorerIndex(next.spaces.map(\.space), SpaceCensus(next.spaces), memory: next.memory),
        changes: MomentChanges(from: base, to: now), source: source))
  }

  /// Types a script: keys by name, lines that start with `:` are commands. `work` is that of all of them.
  mutating func press(_ keys: String) throws {
    var all: [ExplorerWork] = []
    for step in try Script.parse(keys) {
      switch step {
      case .key(let key): send(.input(.key(key)))
      case .command(let line): send(.command(line))
      case .begin(let space, let address): send(.begin(space: space, address: address))
      case .size(let width, let height): send(.input(.resize(width: width, height: height)))
      case .wait: work = []
      }
      all += work
    }
    work = all
  }

  /// A line after `:`.
  mutating func run(_ line: String) { send(.command(line)) }

  mutating func press(_ key: Key) { send(.input(.key(key))) }

  mutating func click(x: Int, y: Int, _ kind: MouseEvent.Kind = .pressLeft) {
    send(.input(.mouse(MouseEvent(x: x, y: y, kind: kind))))
  }

  mutating func find(_ spaces: [FoundSpace], isComplete: Bool = true) {
    var found = FoundSpaces()
    found.spaces = spaces
    send(.spacesFound(found, isComplete: isComplete))
  }

  // MARK: What is shown

  func canvas(theme: Theme = .monochrome, glyphs: Glyphs = .ascii) -> Canvas {
    var canvas = Canvas(width: explorer.width, height: explorer.height)
    explorer.draw(into: &canvas, theme: theme, glyphs: glyphs)
    return canvas
  }

  var screen: String { canvas().text() }
  /// The lines of the screen, top to bottom.
  var lines: [Substring] { screen.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }

  /// Everything that a person could notice: a key that changes none of it, and asks for no work, is dead.
  var appearance: String {
    let canvas = canvas()
    let cursor = explorer.cursor.map { "\($0.x),\($0.y)" } ?? ""
    return canvas.text() + canvas.attributes() + cursor + explorer.status.text
  }

  var status: String { explorer.status.text }
  var screenID: Screen.ID { explorer.screenID }
  var row: TreeRow? { explorer.selectedRow }

  /// The selection as its path: `init 1 > PML4[0] > PDPT[0]`.
  var path: String { explorer.breadcrumb().map(\.text).joined() }

  /// The detail of the selection, as one line of text a fact.
  var detail: [String] { explorer.detailLines(width: 200).map(\.text) }

  /// The rows of the tree by what they are: `space init 1`, `PT[1]`, `PT[1] x8`, `note`.
  var rows: [String] { explorer.tree.rows.map { explorer.tree.describe($0) } }
}

extension Screen: CustomTestStringConvertible {
  /// The screen as its command names it.
  public var testDescription: String { id.name }
}

extension Command: CustomTestStringConvertible {
  /// The command as a person types it.
  public var testDescription: String { name }
}

extension Binding: CustomTestStringConvertible {
  /// Its keys, and what they do.
  public var testDescription: String { "\(name) \(command.name) \(argument)" }
}

extension TreeList {
  /// A row in a few words: `space init 1`, `PT[1]`, `PT[1] x8`, `L3[16] run x16`, `absent PT[9] x503`.
  func describe(_ row: TreeRow) -> String {
    let space = spaces[Int(row.space)]
    switch row.kind {
    case .space: return "space \(space.label)"
    case .note: return "note \(row.note)"
    case .everybodys: return "everybody's \(row.count)"
    case .entry, .fold, .contiguous:
      let name = "\(space.scheme.levels[Int(row.level)].name)[\(row.slot)]"
      let fold = row.kind == .entry ? "" : row.kind == .fold ? " x\(row.count)" : " run x\(row.count)"
      return (row.entryKind == .absent ? "absent " : "") + name + fold
    }
  }
}

/// A guest with one of everything, made by hand: two processes over one kernel half.
///
/// `init 1` has, in its lower half:
///
/// | address | |
/// |---|---|
/// | 400000 | 9 pages, writable, user, executable, frames 200000 and on |
/// | 409000 | a page, user, read-only, no execute, frame 300000 |
/// | 40a000 | PROT_NONE, as Linux leaves it, frame 345000 |
/// | 40b000 | a page whose frame is not in the dump, 7000000 |
/// | 800000 | a 2 MiB leaf with the reserved bit 13 set |
/// | c00000 | a 2 MiB page, writable, user, frame 600000 |
/// | PML4[1] | a table that the dump does not hold, 9000000 |
/// | PML4[2] | a table outside physical memory, 8000000000 |
/// | PML4[3] | an empty table |
/// | PML4[256] | the kernel's: ffff8000_00000000, two 2 MiB pages, supervisor, read-only at the PD |
/// | PML4[511] | the root itself |
///
/// `shell 2` maps 500000 to the frame 200000, has the same PML4[256], and nothing else.
enum SmallGuest {
  static let scheme = X86.paging4Level().ofLinux
  static let spaces: [FoundSpace] = built.spaces
  static let memory: TableMemory = built.memory

  /// The addresses of the pages that tests name.
  static let firstRoot: UInt64 = 0x10_0000
  static let missingTable: UInt64 = 0x900_0000

  private static let built: (memory: TableMemory, spaces: [FoundSpace]) = {
    var memory = TableMemory(firstTable: firstRoot)
    let first = memory.makeSpace("init", scheme: scheme)
    for page in 0..<UInt64(9) {
      memory.map(0x40_0000 + page * 0x1000, to: 0x20_0000 + page * 0x1000, in: first, flags: 0x67)
    }
    memory.map(0x40_9000, to: 0x30_0000, in: first, flags: 1 << 63 | 0x25)
    // Linux, arch/x86/include/asm/pgtable-invert.h: the frame's bits of an entry without P are inverted.
    memory.map(0x40_a000, to: ~0x34_5000 & 0xF_FFFF_FFFF_F000, in: first, flags: 0x100)
    memory.map(0x40_b000, to: 0x700_0000, in: first, flags: 0x67)
    memory.map(0x80_0000, to: 0x40_0000 | 1 << 13, in: first, level: 2, flags: 0x83)
    memory.map(0xc0_0000, to: 0x60_0000, in: first, level: 2, flags: 0xE7)
    let root = first.root.value
    memory.set(table: root, slot: 1, to: missingTable | 7)
    memory.set(table: root, slot: 2, to: 0x80_0000_0000 | 7)
    memory.set(table: root, slot: 3, to: memory.makeTable() | 7)
    for page in 0..<UInt64(2) {
      memory.map(
        0xffff_8000_0000_0000 + page * 0x4000_0000, to: 0x80_0000 + page * 0x20_0000, in: first, level: 2,
        flags: 0x1E1, tableFlags: 3)
    }
    memory.set(table: root, slot: 511, to: root | 0x63)

    let second = memory.makeSpace("shell", scheme: scheme)
    memory.map(0x50_0000, to: 0x20_0000, in: second)
    memory.set(table: second.root.value, slot: 256, to: memory.entry(table: root, slot: 256) ?? 0)

    memory.addDumped(0x20_0000, 0xC0_0000)
    memory.addPhysical(0x10_0000, 0x1000_0000)
    return (
      memory,
      [FoundSpace(space: first, pid: 1, origin: .cpu(0)), FoundSpace(space: second, pid: 2, origin: .scan)]
    )
  }()
}
