import MemoryImages
import PageTables
import Synchronization

/// The only client of a gdbstub with QEMU's physical-memory mode.
///
/// To connect stops the guest; a packet that is sent while it runs stops it, too, and is lost. So each request makes
/// sure that the guest stands, and lets it run again if it ran.
final class GdbClient: QemuMonitor {
  private let connection: Connection
  private let name: String
  private let state: Mutex<State>

  private struct State {
    var stream = GdbStream()
    var isRunning = false
    /// Whether a guest that was believed to stand turned out to run: somebody else let it go, which no stub tells.
    var ranUnseen = false
    /// Whether it has to run when we leave: it did when we came, and nobody else has stopped it since.
    var mustRun = false
    /// Stops by others that nobody has waited for.
    var stops = 0
    /// Hexadecimal digits of one answer.
    var packetSize = 1024
    var isPhysical = false
    /// The numbers of the target's registers by their names, once they were asked for.
    var registerNumbers: [String: Int]?
    var isClosed = false
    var lastWords: LastWords?
    var failure: TargetError?
  }

  /// How long a first word is waited for: a stub that has a client already says nothing to a second, and neither does
  /// a QEMU that writes a dump or a snapshot.
  private static let greetingLimit = 1000
  private static let answerLimit = 5000
  private static let interrupt: [UInt8] = [3]
  /// In front of each request. A guest that runs without our knowledge is stopped by the first byte that is no
  /// acknowledgement of what the stub said last, and that byte is lost: it must be none of the request's. Later, the stub
  /// takes them for nothing.
  private static let knock: [UInt8] = Array("++".utf8)

  init(_ address: TargetAddress, name: String) throws(TargetError) {
    self.name = name
    // Whatever happens from here on, a guest that ran runs on.
    connection = try Connection(address, name: name, lastWords: Self.farewell(mustRun: true))
    state = Mutex(State())
    try state.withLock { state throws(TargetError) in
      state.lastWords = connection.firstWords
      do throws(TargetError) {
        try greet(&state)
      } catch {
        // Nobody listens yet. But when the client before us has left, QEMU takes our connection up, although it is closed,
        // and stops the guest for it: what lets it go must lie there.
        if case .busy = error {
          state.lastWords?.sayNow()
          state.isClosed = true
        } else {
          leave(&state)
        }
        throw error
      }
    }
  }

  var peer: Int32? { connection.peer }

  // MARK: What the guest does

  var isRunning: Bool {
    get throws(TargetError) {
      try state.withLock { state throws(TargetError) in
        try look(&state)
        if state.ranUnseen { try go(&state) }
        return state.isRunning
      }
    }
  }

  /// Stops it; false where it stood already.
  func stop() throws(TargetError) -> Bool {
    try state.withLock { state throws(TargetError) in
      try look(&state)
      guard state.isRunning else {
        defer { state.ranUnseen = false }
        return state.ranUnseen
      }
      try halt(&state)
      return true
    }
  }

  /// Lets it run.
  func run() throws(TargetError) {
    try state.withLock { state throws(TargetError) in
      guard !state.isRunning else { return }
      try look(&state)
      try go(&state)
    }
  }

  /// Stops it, and it is left so.
  func stopForGood() throws(TargetError) {
    _ = try stop()
    state.withLock { set(mustRun: false, &$0) }
  }

  /// Lets it run if it ran before we came.
  func runAsFound() throws(TargetError) {
    if state.withLock({ $0.mustRun }) { try run() }
  }

  func takeStop(_ deadline: Deadline) throws(TargetError) -> Bool {
    while true {
      let found = try state.withLock { state throws(TargetError) in
        try takeStops(&state)
        defer { state.stops = 0 }
        return state.stops > 0
      }
      if found { return true }
      if deadline.hasPassed { return false }
      connection.waitUntilReadable(milliseconds: min(50, deadline.millisecondsLeft))
    }
  }

  /// Sets the stub back, and lets the guest run if it ran before we came.
  func close() {
    state.withLock { leave(&$0) }
  }

  deinit { close() }

  // MARK: Requests

  func monitor(_ command: String) throws(TargetError) -> String {
    try state.withLock { state throws(TargetError) in
      try whileStanding(&state) { state throws(TargetError) in try ask(&state, monitor: command) }
    }
  }

  /// The answer to a packet, as text.
  func ask(_ packet: String) throws(TargetError) -> String {
    try state.withLock { state throws(TargetError) in
      try whileStanding(&state) { state throws(TargetError) in
        String(decoding: try exchange(&state, packet), as: UTF8.self)
      }
    }
  }

  /// The architecture by the target's description, such as "i386:x86-64"; nil where it has none.
  func architecture() throws(TargetError) -> String? {
    let text = try ask("qXfer:features:read:target.xml:0,ffb")
    guard let start = text.range(of: "<architecture>"), let end = text[start.upperBound...].range(of: "<")
    else {
      return nil
    }
    return String(text[start.upperBound..<end.lowerBound])
  }

  /// What registers hold, in each of the first processors; nil where the stub does not know one, or does not tell.
  func registers(_ names: [String], processors: Int) throws(TargetError) -> [[UInt64?]] {
    try state.withLock { state throws(TargetError) in
      try whileStanding(&state) { state throws(TargetError) in
        let numbers = try registerNumbers(&state)
        var all: [[UInt64?]] = []
        // QEMU has a thread for each, from 1.
        for thread in 1..<processors + 1 {
          let isChosen = try exchange(&state, "Hg\(String(thread, radix: 16))") == Array("OK".utf8)
          var values: [UInt64?] = []
          for name in names {
            guard isChosen, let number = numbers[name] else {
              values.append(nil)
              continue
            }
            let bytes = GdbPacket.bytes(hex: try exchange(&state, "p\(String(number, radix: 16))"))
            values.append(
              bytes.flatMap { $0.count == 8 ? $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } : nil })
          }
          all.append(values)
        }
        return all
      }
    }
  }

  /// Exactly the bytes of a range, which must be RAM; nil where the stub refuses.
  func read(_ range: PhysicalRange) throws(TargetError) -> [UInt8]? {
    try state.withLock { state throws(TargetError) in
      try whileStanding(&state) { state throws(TargetError) in
        if !state.isPhysical {
          guard try exchange(&state, "Qqemu.PhyMemMode:1") == Array("OK".utf8) else {
            throw .unsupported(
              name, feature: "this gdbstub has no physical-memory mode; QEMU's has one since 4.1")
          }
          state.isPhysical = true
        }
        let chunk = UInt64(max(64, min(1 << 16, (state.packetSize / 2) & ~63)))
        var requests: [UInt8] = []
        var lengths: [UInt64] = []
        var position = range.start.value
        while position < range.end.value {
          let length = min(chunk, range.end.value - position)
          requests += GdbPacket.bytes("m\(String(position, radix: 16)),\(String(length, radix: 16))")
          lengths.append(length)
          position += length
        }
        try send(&state, requests)
        var bytes: [UInt8] = []
        var isWhole = true
        for length in lengths {
          let answer = try receive(&state)
          guard let part = GdbPacket.bytes(hex: answer), UInt64(part.count) == length else {
            isWhole = false
            continue
          }
          bytes += part
        }
        return isWhole ? bytes : nil
      }
    }
  }

  // MARK: Below the lock

  private func greet(_ state: inout State) throws(TargetError) {
    try send(&state, GdbPacket.bytes("qSupported:xmlRegisters=i386"))
    var answer: String?
    let deadline = Deadline(milliseconds: Self.greetingLimit)
    while answer == nil {
      guard let packet = try next(&state, deadline) else {
        throw state.stream.buffer.isEmpty
          ? .busy(name, server: "this gdbstub") : .notSpoken(name, language: "gdbstub")
      }
      // A guest that runs is stopped by our coming, and QEMU says so before it answers; one that stands says nothing.
      // Later versions say it never: see `wasRunning`.
      if Self.isStop(packet) {
        set(mustRun: true, &state)
      } else {
        answer = String(decoding: packet, as: UTF8.self)
      }
    }
    for feature in (answer ?? "").split(separator: ";") {
      if feature.hasPrefix("PacketSize="), let size = Int(feature.dropFirst(11), radix: 16), size >= 128 {
        state.packetSize = size
      }
      if feature == "QStartNoAckMode+" {
        _ = try exchange(&state, "QStartNoAckMode")
      }
    }
    if !state.mustRun { set(mustRun: try wasRunning(&state), &state) }
    say(&state)
  }

  /// Whether the guest ran before we came, where QEMU did not say so when it stopped it.
  ///
  /// Since 8.1 it never does. Then "paused" has two meanings, and what is likelier is taken: that we have paused it. All
  /// other states were there before.
  private func wasRunning(_ state: inout State) throws(TargetError) -> Bool {
    let version = try ask(&state, monitor: "info version").split(whereSeparator: { !$0.isNumber && $0 != "." }
    ).first
    let numbers = (version ?? "").split(separator: ".").compactMap { Int($0) }
    guard numbers.count >= 2, (numbers[0], numbers[1]) >= (8, 1) else { return false }
    let status = try ask(&state, monitor: "info status")
    return status.contains("paused") && !status.contains("(")
  }

  private func whileStanding<Result>(
    _ state: inout State, _ body: (inout State) throws(TargetError) -> Result
  ) throws(TargetError) -> Result {
    try takeStops(&state)
    let ran = state.isRunning
    if ran { try halt(&state) }
    let result = try body(&state)
    if (ran || state.ranUnseen) && state.mustRun { try go(&state) }
    return result
  }

  /// Finds out whether it runs: where it is believed to stand, by a question.
  private func look(_ state: inout State) throws(TargetError) {
    try takeStops(&state)
    if !state.isRunning { _ = try exchange(&state, "qC") }
  }

  private func halt(_ state: inout State) throws(TargetError) {
    try fallible(&state) { state throws(TargetError) in
      try connection.send(Self.interrupt)
      let deadline = Deadline(milliseconds: Self.answerLimit)
      while let packet = try next(&state, deadline) {
        guard Self.isStop(packet) else { continue }
        state.isRunning = false
        // Any other signal than SIGINT: something else was first.
        if !Self.isInterrupt(packet) { note(stopByOthers: &state) }
        return
      }
      throw .silent(name)
    }
  }

  private func go(_ state: inout State) throws(TargetError) {
    try send(&state, GdbPacket.bytes("c"))
    state.isRunning = true
    state.ranUnseen = false
    set(mustRun: true, &state)
  }

  private func note(stopByOthers state: inout State) {
    state.stops += 1
    set(mustRun: false, &state)
  }

  private func set(mustRun: Bool, _ state: inout State) {
    guard state.mustRun != mustRun else { return }
    state.mustRun = mustRun
    say(&state)
  }

  /// Has the stub set back when the program ends.
  private func say(_ state: inout State) {
    let farewell = Self.farewell(mustRun: state.mustRun)
    if let words = state.lastWords {
      words.replace(by: farewell)
    } else {
      state.lastWords = connection.lastWords(farewell)
    }
  }

  private func ask(_ state: inout State, monitor command: String) throws(TargetError) -> String {
    try send(&state, GdbPacket.bytes("qRcmd," + GdbPacket.hex(text: command)))
    var text: [UInt8] = []
    while true {
      let answer = try receive(&state)
      if answer == Array("OK".utf8) { break }
      guard answer.first == UInt8(ascii: "O"), let part = GdbPacket.bytes(hex: answer.dropFirst()) else {
        // Some answer with all of it at once.
        if let whole = GdbPacket.bytes(hex: answer), !answer.isEmpty, answer.first != UInt8(ascii: "E") {
          text += whole
          break
        }
        throw .unsupported(name, feature: "this gdbstub passes on no monitor commands, as QEMU's does")
      }
      text += part
      guard text.count < 64 << 20 else { throw .notSpoken(name, language: "gdbstub") }
    }
    return String(decoding: text.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
  }

  private func registerNumbers(_ state: inout State) throws(TargetError) -> [String: Int] {
    if let known = state.registerNumbers { return known }
    var documents: [String] = []
    let target = try document(&state, "target.xml")
    for name in GdbDescription.included(in: target) { documents.append(try document(&state, name)) }
    let numbers = GdbDescription.registerNumbers([target] + documents)
    state.registerNumbers = numbers
    return numbers
  }

  /// A document of the target's description, in as many parts as the stub makes of it.
  private func document(_ state: inout State, _ name: String) throws(TargetError) -> String {
    var text: [UInt8] = []
    while text.count < 1 << 20 {
      let offset = String(text.count, radix: 16)
      let length = String(state.packetSize / 2, radix: 16)
      let part = try exchange(&state, "qXfer:features:read:\(name):\(offset),\(length)")
      guard let kind = part.first, kind == UInt8(ascii: "m") || kind == UInt8(ascii: "l"), part.count > 1
      else {
        break
      }
      text += part.dropFirst()
      if kind == UInt8(ascii: "l") { break }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private func exchange(_ state: inout State, _ packet: String) throws(TargetError) -> [UInt8] {
    try send(&state, GdbPacket.bytes(packet))
    return try receive(&state)
  }

  private func send(_ state: inout State, _ bytes: [UInt8]) throws(TargetError) {
    // Acknowledges what came before, too.
    try fallible(&state) { _ throws(TargetError) in try connection.send(Self.knock + bytes) }
  }

  private func receive(_ state: inout State) throws(TargetError) -> [UInt8] {
    try fallible(&state) { state throws(TargetError) in
      let deadline = Deadline(milliseconds: Self.answerLimit)
      while let packet = try next(&state, deadline) {
        guard Self.isStop(packet) else { return packet }
        // Our knock has stopped it.
        state.ranUnseen = true
        set(mustRun: true, &state)
      }
      throw .silent(name)
    }
  }

  /// What fails once fails from then on: the answers would be those to other questions.
  private func fallible<Result>(
    _ state: inout State, _ body: (inout State) throws(TargetError) -> Result
  ) throws(TargetError) -> Result {
    if let failure = state.failure { throw failure }
    do throws(TargetError) { return try body(&state) } catch {
      state.failure = error
      throw error
    }
  }

  /// Looks whether the running guest has stopped.
  private func takeStops(_ state: inout State) throws(TargetError) {
    try fallible(&state) { state throws(TargetError) in
      while let packet = try next(&state, Deadline(milliseconds: 0)) {
        // One that was believed to stand may have been let go, and stopped again.
        guard Self.isStop(packet) else { continue }
        state.isRunning = false
        note(stopByOthers: &state)
      }
    }
  }

  private func next(_ state: inout State, _ deadline: Deadline) throws(TargetError) -> [UInt8]? {
    while true {
      switch state.stream.next() {
      case .packet(let packet): return packet
      case .damaged: throw .notSpoken(name, language: "gdbstub")
      case nil: break
      }
      guard try connection.receive(into: &state.stream.buffer, milliseconds: deadline.millisecondsLeft) else {
        return nil
      }
    }
  }

  private func leave(_ state: inout State) {
    guard !state.isClosed else { return }
    state.isClosed = true
    // Somebody else may have stopped it meanwhile, or let it go.
    if state.failure == nil { try? look(&state) }
    // Only once: QEMU 7.2 crashes when it is detached from twice. After a failure it may hear nothing, or just this.
    if let words = state.lastWords {
      words.sayNow()
    } else {
      try? connection.send(Self.farewell(mustRun: state.mustRun))
    }
    if state.failure == nil {
      // The answers tell that all was heard before the connection closes.
      let deadline = Deadline(milliseconds: 400)
      var answers = 0
      while answers < (state.mustRun ? 2 : 1), let packet = try? next(&state, deadline) {
        if !Self.isStop(packet) { answers += 1 }
      }
      state.failure = .wentAway(name)
    }
  }

  /// What sets the stub back. The first bytes stop a guest that runs; one that stands skips them. A guest that stood is
  /// left by closing the connection, since to detach would let it run.
  private static func farewell(mustRun: Bool) -> [UInt8] {
    knock + interrupt + GdbPacket.bytes("Qqemu.PhyMemMode:0") + (mustRun ? GdbPacket.bytes("D;1") : [])
  }

  private static func isStop(_ packet: [UInt8]) -> Bool {
    packet.count >= 3 && (packet[0] == UInt8(ascii: "T") || packet[0] == UInt8(ascii: "S"))
  }

  private static func isInterrupt(_ packet: [UInt8]) -> Bool { packet[1...2].elementsEqual("02".utf8) }
}
