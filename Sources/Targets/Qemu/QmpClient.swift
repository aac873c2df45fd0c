import Synchronization

/// A client of QEMU's machine protocol (`docs/interop/qmp-spec.txt` in QEMU).
final class QmpClient: QemuMonitor {
  private let connection: Connection
  private let name: String
  private let state = Mutex(State())

  private struct State {
    var stream = JsonStream()
    var lastNumber = 0
    /// Events STOP that nobody has waited for.
    var stops = 0
    /// Why nothing can be asked any more.
    var failure: TargetError?
  }

  /// How long a first word is waited for: a server that has a client already says nothing to a second, and neither does
  /// a QEMU that writes a dump or a snapshot.
  private static let greetingLimit = 1000
  /// How long an answer may take: QEMU gives none while a device keeps it busy.
  private static let answerLimit = 5000
  /// The most bytes of one answer.
  private static let sizeLimit = 64 << 20

  init(_ address: TargetAddress, name: String) throws(TargetError) {
    self.name = name
    connection = try Connection(address, name: name)
    try state.withLock { state throws(TargetError) in
      guard let greeting = try next(&state, Deadline(milliseconds: Self.greetingLimit)) else {
        throw state.stream.buffer.isEmpty
          ? .busy(name, server: "this QMP socket") : .notSpoken(name, language: "QMP")
      }
      guard greeting["QMP"] != nil else { throw .notSpoken(name, language: "QMP") }
    }
    _ = try execute("qmp_capabilities")
  }

  /// The process that listens on the socket, where it is one of this system.
  var peer: Int32? { connection.peer }

  /// Bytes to be sent when the program ends.
  func lastWords(_ command: String) -> LastWords? { connection.lastWords(Array((command + "\n").utf8)) }

  /// Runs a command.
  ///
  /// - Parameters:
  ///   - arguments: a JSON object.
  ///   - passed: a descriptor that goes with the command.
  ///   - isQuiet: whether stops that happen meanwhile are the command's own doing.
  /// - Returns: the member "return" of the answer.
  func execute(
    _ command: String, _ arguments: String = "{}", passing passed: Int32 = -1, isQuiet: Bool = false
  ) throws(TargetError) -> JsonValue {
    try state.withLock { state throws(TargetError) in
      if let failure = state.failure { throw failure }
      state.lastNumber += 1
      let number = state.lastNumber
      let stops = state.stops
      let text = "{\"execute\":\"\(command)\",\"arguments\":\(arguments),\"id\":\(number)}\n"
      do throws(TargetError) {
        try connection.send(Array(text.utf8), passing: passed)
        let deadline = Deadline(milliseconds: Self.answerLimit)
        while let answer = try next(&state, deadline) {
          guard answer["id"] == .number(String(number)) else { continue }
          if isQuiet { state.stops = stops }
          if let error = answer["error"] {
            throw .rejected(name, command: command, reason: error["desc"]?.string ?? "refused")
          }
          guard let value = answer["return"] else { throw .notSpoken(name, language: "QMP") }
          return value
        }
        throw .silent(name)
      } catch {
        if case .rejected = error {} else { state.failure = error }
        throw error
      }
    }
  }

  func monitor(_ command: String) throws(TargetError) -> String {
    let answer = try execute("human-monitor-command", "{\"command-line\":\(JsonValue.quoted(command))}")
    guard let text = answer.string else { throw .notSpoken(name, language: "QMP") }
    return text.contains("\r\n")
      ? String(decoding: text.utf8.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self) : text
  }

  /// Takes one STOP that was not waited for; waits for it until the deadline. False when there was none.
  func takeStop(_ deadline: Deadline) throws(TargetError) -> Bool {
    while true {
      let found = try state.withLock { state throws(TargetError) in
        if let failure = state.failure { throw failure }
        do throws(TargetError) {
          // What arrives goes to whoever holds the lock: it is held for moments only.
          while state.stops == 0, try next(&state, Deadline(milliseconds: 0)) != nil {}
        } catch {
          state.failure = error
          throw error
        }
        guard state.stops > 0 else { return false }
        state.stops = 0
        return true
      }
      if found { return true }
      if deadline.hasPassed { return false }
      connection.waitUntilReadable(milliseconds: min(50, deadline.millisecondsLeft))
    }
  }

  /// The next object that is no event; nil after the deadline.
  private func next(_ state: inout State, _ deadline: Deadline) throws(TargetError) -> JsonValue? {
    while true {
      while let object = state.stream.next() {
        guard let object else { throw .notSpoken(name, language: "QMP") }
        guard let event = object["event"]?.string else { return object }
        if event == "STOP" { state.stops += 1 }
      }
      guard state.stream.buffer.count < Self.sizeLimit else { throw .notSpoken(name, language: "QMP") }
      guard try connection.receive(into: &state.stream.buffer, milliseconds: deadline.millisecondsLeft) else {
        return nil
      }
    }
  }
}
