import ArgumentParser
import Guests
import MemoryImages
import PageTables
import Records

/// A source, how to read it, and which of its spaces count: what every command over all spaces takes.
struct SharingArguments: ParsableArguments {
  @Argument(
    help:
      "A memory dump: ELF core, LiME, AVML, kdump-compressed, raw, a capture; or what runs: qmp:PATH, gdb:PATH, pid:N."
  )
  var source: String
  @OptionGroup var reading: ReadingOptions
  @Flag(help: "Include spaces that are possibly stale: roots that map no user memory any more.")
  var stale = false
}

/// A source, and the spaces in it that a command is about.
struct SharingSource {
  let opened: OpenedSource
  /// Every space that was found, stale ones included.
  let found: [FoundSpace]
  /// Those that count, in the order found.
  private(set) var used: [FoundSpace]
  /// How many do not.
  private var leftOut: Int

  init(_ arguments: SharingArguments, json: Bool) throws {
    opened = try OpenedSource(arguments.source, arguments.reading, json: json)
    found = try opened.allSpaces().spaces
    used = found.filter { arguments.stale || !$0.isPossiblyStale || $0.origin == .given }
    // Where nothing else is left, stale ones are better than nothing.
    if used.isEmpty { used = found }
    leftOut = found.count - used.count
  }

  var memory: any PhysicalMemory { opened.image.memory }
  var timings: Timings { opened.timings }
  var spaces: [AddressSpace] { used.map(\.space) }

  /// Says which spaces do not count. To be asked for once nothing can fail any more: an error is one line.
  func reportLeftOut() {
    guard leftOut > 0 else { return }
    complain(
      "\(leftOut) possibly stale space\(leftOut == 1 ? " is" : "s are") left out; --stale includes them")
  }

  /// The graph of all spaces that count, and the way back from frames.
  func index() throws -> SpaceIndex {
    reportLeftOut()
    let index = SpaceIndex(
      spaces, memory: memory, copies: used.copies,
      phase: { name, work in timings.measure(name, work) })
    guard let index else { throw Failure("\(opened.image.name): the index was cancelled") }
    return index
  }

  /// The number of the space that the user means; one that does not count yet is added.
  mutating func spaceNumber(of wish: String?) throws -> Int {
    // Looks among what was found already, so that memory is not searched again.
    let known =
      wish.map { opened.match($0, found) } ?? found.first(where: \.isOnCPU) ?? found.first
    let wanted = try known ?? opened.space(wish)
    if let spaceNumber = used.firstIndex(where: { $0.space == wanted.space }) { return spaceNumber }
    if known != nil { leftOut -= 1 }
    used.append(wanted)
    return used.count - 1
  }
}
