import Glibc
import Synchronization

@testable import Targets

/// A machine with 64 KiB of RAM at 0 and at 1 MiB, a device between, as QMP and gdbstub show it.
final class FakeQemu: Sendable {
  struct State {
    var isRunning = true
    /// QEMU's word for why it stands.
    var reason = "paused"
    var isPhysical = false
    /// All that was asked, in order.
    var log: [String] = []
    /// Addresses read, of whatever kind.
    var touched: [UInt64] = []
    /// What QMP says next without being asked.
    var events = ""
    /// Closes the connection at this command.
    var endsAt: String?
    var version = "7.2.22"
    var mtree = FakeQemu.mtree
    var architecture = "x86_64"
    /// What `info registers -a` prints.
    var registers = RegisterTexts.kernel
    /// The documents of gdb's description, by name.
    var description = [
      "target.xml": "<target><architecture>i386:x86-64</architecture></target>"
    ]
    /// What gdb's `p` reads, by thread and number of the register, in the order of its bytes.
    var values: [Int: [Int: String]] = [:]
    var thread = 1
  }

  let state = Mutex(State())

  static let mtree = """
    FlatView #0
     AS "memory", root: system
     Root memory region: system
      0000000000000000-000000000000ffff (prio 0, ram): ram
      0000000000010000-00000000000fffff (prio 0, i/o): device
      0000000000100000-000000000010ffff (prio 0, ram): ram @0000000000010000

    """

  /// The byte at an address of RAM.
  static func byte(_ address: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: address &* 7 ^ address >> 9) }

  func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  var log: [String] { state.withLock { $0.log } }
  var isRunning: Bool { state.withLock { $0.isRunning } }

  /// Whether it runs within two seconds: gdb's packet "c" has no answer that could be waited for.
  func runsSoon() -> Bool {
    for _ in 0..<200 where !isRunning { usleep(10_000) }
    return isRunning
  }

  // MARK: QMP

  func qmpServer() -> FakeServer {
    FakeServer(greeting: { Array("{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n".utf8) }) {
      [self] buffer in
      var stream = JsonStream()
      stream.buffer = buffer
      var answers = ""
      while let request = stream.next() {
        guard let request, let answer = qmp(request) else { return nil }
        answers += answer
      }
      buffer = stream.buffer
      return Array(answers.utf8)
    }
  }

  private func qmp(_ request: JsonValue) -> String? {
    state.withLock { state in
      let command = request["execute"]?.string ?? ""
      state.log.append(command)
      guard command != state.endsAt else { return nil }
      let events = state.events
      state.events = ""
      guard case .number(let number)? = request["id"] else {
        apply(command, &state)
        return events
      }
      let value: String
      switch command {
      case "qmp_capabilities": value = "{}"
      case "query-status":
        value =
          "{\"running\": \(state.isRunning), \"status\": \"\(state.isRunning ? "running" : state.reason)\"}"
      case "query-target": value = "{\"arch\": \"\(state.architecture)\"}"
      case "stop", "cont":
        let event = apply(command, &state)
        return events + event + "{\"return\": {}, \"id\": \(number)}\r\n"
      case "human-monitor-command":
        let line = request["arguments"]?["command-line"]?.string ?? ""
        value = JsonValue.quoted(monitor(line, &state).replacing("\n", with: "\r\n"))
      default:
        return events
          + "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \(command) here\"}, \"id\": \(number)}\r\n"
      }
      return events + "{\"return\": \(value), \"id\": \(number)}\r\n"
    }
  }

  @discardableResult
  private func apply(_ command: String, _ state: inout State) -> String {
    switch command {
    case "stop" where state.isRunning:
      state.isRunning = false
      state.reason = "paused"
      return "{\"event\": \"STOP\"}\r\n"
    case "cont" where !state.isRunning:
      state.isRunning = true
      return "{\"event\": \"RESUME\"}\r\n"
    default: return ""
    }
  }

  private func monitor(_ line: String, _ state: inout State) -> String {
    let words = line.split(separator: " ").map(String.init)
    switch words.first {
    case "xp":
      guard words.count == 3, let count = UInt64(words[1].dropFirst().dropLast(2)),
        let start = UInt64(words[2].dropFirst(2), radix: 16)
      else { return "bad\n" }
      var text = ""
      for word in 0..<count {
        let address = start + word * 8
        state.touched.append(address)
        let value = (0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(Self.byte(address + $1)) }
        let digits = String(value, radix: 16)
        text +=
          (word % 2 == 0 ? (word > 0 ? "\n" : "") + "\(address):" : "") + " 0x"
          + String(repeating: "0", count: 16 - digits.count) + digits
      }
      return text + "\n"
    case "info":
      switch words.dropFirst().joined(separator: " ") {
      case "mtree -f": return state.mtree
      case "registers -a": return state.registers
      case "status": return "VM status: paused\(state.reason == "paused" ? "" : " (\(state.reason))")\n"
      case "version": return state.version + "Debian\n"
      default: return "unknown\n"
      }
    default: return "unknown command: '\(line)'\n"
    }
  }

  // MARK: gdbstub

  func gdbServer() -> FakeServer {
    FakeServer(greeting: { [self] in
      state.withLock { state in
        // Since 8.1 nothing is said.
        let says = state.isRunning && state.version.hasPrefix("7")
        if state.isRunning { (state.isRunning, state.reason) = (false, "paused") }
        return says ? GdbPacket.bytes("T02thread:01;") : []
      }
    }) { [self] buffer in
      var answers: [UInt8] = []
      while !buffer.isEmpty {
        if state.withLock({ $0.isRunning }) {
          // Whatever comes stops it, and is lost.
          buffer.removeFirst()
          update { ($0.isRunning, $0.reason) = (false, "paused") }
          answers += GdbPacket.bytes("T02thread:01;")
          continue
        }
        guard buffer[0] == UInt8(ascii: "$") else {
          buffer.removeFirst()
          continue
        }
        guard let end = buffer.firstIndex(of: UInt8(ascii: "#")), end + 2 < buffer.count else { break }
        let packet = String(decoding: buffer[1..<end], as: UTF8.self)
        buffer.removeFirst(end + 3)
        guard let answer = state.withLock({ gdb(packet, &$0) }) else { return nil }
        answers += [UInt8(ascii: "+")] + answer
      }
      return answers
    }
  }

  private func gdb(_ packet: String, _ state: inout State) -> [UInt8]? {
    state.log.append(packet.hasPrefix("m") ? "m" : packet)
    guard packet != state.endsAt else { return nil }
    if packet.hasPrefix("qSupported") {
      return GdbPacket.bytes("PacketSize=400;qXfer:features:read+;multiprocess+")
    }
    if packet.hasPrefix("qXfer:features:read:") {
      let words = packet.split(separator: ":")
      let numbers = words[4].split(separator: ",").compactMap { Int($0, radix: 16) }
      guard let text = state.description[String(words[3])], numbers.count == 2 else {
        return GdbPacket.bytes("E00")
      }
      // Less than was asked for, as a stub may give.
      let part = text.dropFirst(numbers[0]).prefix(min(numbers[1], 100))
      let isLast = numbers[0] + part.count == text.count
      return GdbPacket.bytes((isLast ? "l" : "m") + part)
    }
    if packet.hasPrefix("Hg") {
      state.thread = Int(packet.dropFirst(2), radix: 16) ?? 0
      return GdbPacket.bytes(state.values[state.thread] == nil ? "E22" : "OK")
    }
    if packet.hasPrefix("p"), let number = Int(packet.dropFirst(), radix: 16) {
      return GdbPacket.bytes(state.values[state.thread]?[number] ?? "E14")
    }
    if packet.hasPrefix("Qqemu.PhyMemMode:") {
      state.isPhysical = packet.hasSuffix("1")
      return GdbPacket.bytes("OK")
    }
    if packet.hasPrefix("qRcmd,"), let line = GdbPacket.bytes(hex: Array(packet.dropFirst(6).utf8)) {
      let text = monitor(String(decoding: line, as: UTF8.self), &state)
      return GdbPacket.bytes("O" + GdbPacket.hex(text: text)) + GdbPacket.bytes("OK")
    }
    if packet.hasPrefix("D") {
      state.isRunning = true
      return GdbPacket.bytes("OK")
    }
    if packet == "c" {
      state.isRunning = true
      return []
    }
    if packet.hasPrefix("m") {
      let numbers = packet.dropFirst().split(separator: ",").compactMap { UInt64($0, radix: 16) }
      guard numbers.count == 2, state.isPhysical, numbers[1] <= 0x200 else { return GdbPacket.bytes("E14") }
      state.touched.append(numbers[0])
      let bytes = (0..<numbers[1]).map { Self.byte(numbers[0] + $0) }
      return GdbPacket.bytes(
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
    return GdbPacket.bytes("")
  }
}
