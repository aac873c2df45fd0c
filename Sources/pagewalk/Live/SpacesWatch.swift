import Canvas
import Glibc
import Guests
import Records

/// The table of spaces of a machine that runs, again and again: on a terminal in one place, elsewhere one below the
/// other. A signal ends it; the machine is left as it was found then, too.
struct SpacesWatch {
  private let source: OpenedSource
  private let machine: LiveMachine
  private let seconds: Double
  /// How many moments are listed; nil for no end.
  private let moments: Int?
  private let json: Bool
  /// Whether each moment takes the place of the one before.
  private let isOnTerminal: Bool

  init(_ source: OpenedSource, _ machine: LiveMachine, seconds: Double, moments: Int?, json: Bool) {
    self.source = source
    self.machine = machine
    self.seconds = seconds
    self.moments = moments
    self.json = json
    isOnTerminal = !json && isatty(1) == 1
  }

  func run() throws {
    // What is wrong with the source is said at its first moment.
    let first = try source.allSpaces().spaces
    let names = try source.names()
    var listing = SpaceListing(first, names: names, in: source.image.memory, source.timings)
    var earlier: SpaceListing?
    var number = 1
    while let now = listing {
      let began = ContinuousClock.now
      show(now, after: earlier, number)
      if number == moments { return }
      earlier = now
      number += 1
      pause(.seconds(seconds) - (ContinuousClock.now - began))
      let moment = try machine.nextMoment()
      listing = SpaceListing(
        try moment.discovery.all().spaces, names: moment.discovery.names, in: moment.memory, source.timings)
    }
  }

  private func pause(_ duration: Duration) {
    guard duration > .zero else { return }
    let (seconds, attoseconds) = duration.components
    var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var rest = timespec()
    // A signal that does not end the program, such as a change of the window's size, ends no pause.
    while nanosleep(&pause, &rest) != 0, errno == EINTR { pause = rest }
  }

  // MARK: What is shown

  private func show(_ now: SpaceListing, after earlier: SpaceListing?, _ number: Int) {
    let time = Time.now
    let records = Self.records(now, after: earlier, number, time.text)
    if json {
      var output = StandardOutput(json: true)
      for record in records { output.put(record) }
      return
    }
    let title = title(now, records, number, time)
    let columns = WatchedSpaceRecord.columns
    let lines =
      [title, Column.line(columns.map(\.title), columns)] + records.map { Column.line($0.cells, columns) }
    printText(
      isOnTerminal ? TerminalPage(lines).text : (number > 1 ? "\n" : "") + lines.map { $0 + "\n" }.joined())
  }

  /// The spaces that are there now in their order, then those that are gone since the moment before.
  private static func records(
    _ now: SpaceListing, after earlier: SpaceListing?, _ number: Int, _ time: String
  ) -> [WatchedSpaceRecord] {
    let matched = SpaceMatching.match(old: earlier?.spaces ?? now.spaces, new: now.spaces)
    var records: [WatchedSpaceRecord] = []
    for (record, pair) in zip(now.records, matched) {
      // Freed roots come and go unnoticed.
      let isNew = earlier != nil && pair.old == nil && pair.latest.isCompared
      records.append(
        WatchedSpaceRecord(record, moment: number, time: time, change: isNew ? .new : nil))
    }
    guard let earlier else { return records }
    let gone = Set(matched.filter { $0.new == nil && $0.latest.isCompared }.map(\.latest))
    for (record, space) in zip(earlier.records, earlier.spaces) where gone.contains(space) {
      records.append(WatchedSpaceRecord(record, moment: number, time: time, change: .gone))
    }
    return records
  }

  private func title(
    _ now: SpaceListing, _ records: [WatchedSpaceRecord], _ number: Int, _ time: Time
  ) -> String {
    let count = now.spaces.count
    var facts = [
      time.ofDay, "moment \(number) of \(printable(source.image.name))", "every \(seconds.formatted) s",
      count == 1 ? "1 space" : "\(count) spaces",
    ]
    let (new, gone) = (records.count { $0.change == .new }, records.count { $0.change == .gone })
    if new > 0 { facts.append("\(new) new") }
    if gone > 0 { facts.append("\(gone) gone") }
    if let event = machine.source.lastEvent { facts.append(event) }
    return facts.joined(separator: "   ")
  }
}

extension Double {
  /// Without digits that say nothing: `1`, `0.5`.
  fileprivate var formatted: String {
    let whole = description
    return whole.hasSuffix(".0") ? String(whole.dropLast(2)) : whole
  }
}

/// When something happened.
private struct Time {
  /// In ISO 8601, UTC.
  let text: String
  /// By the clock on the wall.
  let ofDay: String

  static var now: Time {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let text = formatted(parts, "%Y-%m-%dT%H:%M:%SZ")
    localtime_r(&seconds, &parts)
    return Time(text: text, ofDay: formatted(parts, "%H:%M:%S"))
  }

  private static func formatted(_ parts: tm, _ format: String) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      var parts = parts
      let count = strftime(buffer.baseAddress, buffer.count, format, &parts)
      return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}

/// Lines that fill a terminal from its top, in the place of what was there.
private struct TerminalPage {
  let text: String

  init(_ lines: [String]) {
    var size = winsize()
    let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 1
    let (width, height) = isKnown ? (Int(size.ws_col), Int(size.ws_row)) : (80, 24)
    var shown = lines
    // The last line stays free: the cursor stands there.
    if lines.count > height - 1 {
      let most = max(0, height - 2)
      shown = lines.prefix(most) + [".. and \(lines.count - most) more"]
    }
    // Each line takes the place of one: nothing flickers.
    text =
      "\u{1b}[H" + shown.map { CellText.fitted($0, to: width) + "\u{1b}[K\r\n" }.joined() + "\u{1b}[J"
  }
}
