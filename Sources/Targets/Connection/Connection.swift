import CFatalSignals
import CSockets
import Glibc
import MemoryImages
import Synchronization

/// A stream socket, closed when the value ends. All waiting is bounded.
struct Connection: ~Copyable, Sendable {
  private let descriptor: Int32
  /// The target's name, for errors.
  let name: String
  /// What was to be sent from the very beginning.
  let firstWords: LastWords?
  /// The guard, as soon as there is one.
  private let watch = Mutex<Guard?>(nil)

  /// The longest a connection is waited for.
  private static let patience: Int32 = 3000

  /// - Parameter words: sent when the program ends before they are taken back, even while it connects.
  init(_ address: TargetAddress, name: String, lastWords words: [UInt8]? = nil) throws(TargetError) {
    self.name = name
    var preparation = Preparation(bytes: words)
    let prepare: pw_preparation? =
      words == nil
      ? nil
      : { descriptor, context in
        context?.assumingMemoryBound(to: Preparation.self).pointee.prepare(descriptor)
      }
    let result = withUnsafeMutablePointer(to: &preparation) { preparation in
      switch address {
      case .path(let path): pw_connect_unix(path, Self.patience, prepare, preparation)
      case .host(let host, let port): pw_connect_tcp(host, String(port), Self.patience, prepare, preparation)
      }
    }
    if result < 0 { preparation.takeBack() }
    firstWords = preparation.words
    if let made = preparation.made { watch.withLock { $0 = made } }
    guard result >= 0 else {
      switch (-result, address) {
      case (ENOENT, .host): throw .noSuchHost(name)
      case (ENOENT, .path), (ENOTDIR, .path): throw .noSuchSocket(name)
      case (EACCES, _), (EPERM, _): throw .noPermission(name)
      case (ECONNREFUSED, _), (ENOTSOCK, _): throw .refused(name)
      case (EAGAIN, _): throw .busy(name, server: "the socket")
      default: throw .system(name, operation: "connect", reason: errorText(-result))
      }
    }
    descriptor = result
  }

  deinit {
    // A guard has the socket, too: closing it would end nothing.
    shutdown(descriptor, Int32(SHUT_RDWR))
    watch.withLock { $0 }?.end()
    close(descriptor)
  }

  /// The process at the other end, where it is one of this system.
  var peer: Int32? {
    let process = pw_peer_process(descriptor)
    return process > 0 ? process : nil
  }

  /// Sends all bytes, together with a descriptor where one is given (Unix sockets only).
  func send(_ bytes: [UInt8], passing passed: Int32 = -1) throws(TargetError) {
    let result = pw_send(descriptor, bytes, bytes.count, passed, Self.patience)
    guard result == 0 else { throw Self.error(-result, name) }
  }

  /// Appends what arrives to `buffer`; false when nothing does within `milliseconds`.
  func receive(into buffer: inout [UInt8], milliseconds: Int) throws(TargetError) -> Bool {
    var result = 0
    let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { target, count in
      result = pw_receive(descriptor, target.baseAddress, target.count, Int32(clamping: milliseconds))
      count = max(0, result)
    }
    if result == -Int(ETIMEDOUT) { return false }
    guard result > 0 else { throw result == 0 ? .wentAway(name) : Self.error(Int32(-result), name) }
    buffer += chunk
    return true
  }

  /// Returns as soon as something arrives, or the other side closes, or the time is over.
  func waitUntilReadable(milliseconds: Int) {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&waited, 1, Int32(clamping: milliseconds))
  }

  /// Bytes that are sent when the program ends before they are taken back; nil where there is no room for them. A process
  /// of its own sends them where the program cannot.
  func lastWords(_ bytes: [UInt8]) -> LastWords? {
    watch.withLock { if $0 == nil { $0 = Guard(descriptor) } }
    return LastWords(descriptor, bytes)
  }

  private static func error(_ code: Int32, _ name: String) -> TargetError {
    switch code {
    case EPIPE, ECONNRESET, ENOTCONN: .wentAway(name)
    case ETIMEDOUT: .silent(name)
    default: .system(name, operation: "talk to it", reason: errorText(code))
    }
  }
}

/// What is done with a socket before it is connected.
private struct Preparation {
  let bytes: [UInt8]?
  var words: LastWords?
  var made: Guard?

  init(bytes: [UInt8]?) { self.bytes = bytes }

  mutating func prepare(_ descriptor: Int32) {
    // An address before this one may have failed.
    takeBack()
    made = Guard(descriptor)
    words = bytes.flatMap { LastWords(descriptor, $0) }
  }

  mutating func takeBack() {
    words?.takeBack()
    made?.end()
    (words, made) = (nil, nil)
  }
}

/// A process that sends a socket's last words where the program cannot.
private struct Guard {
  private let descriptor: Int32

  /// Nil where the system starts none.
  init?(_ socket: Int32) {
    descriptor = pw_guard(socket)
    guard descriptor >= 0 else { return nil }
  }

  func end() { close(descriptor) }
}

/// Bytes that the program sends when it ends.
struct LastWords {
  private let number: Int32

  /// Nil where there is no room for them.
  fileprivate init?(_ descriptor: Int32, _ bytes: [UInt8]) {
    number = pw_say_when_ended(descriptor, bytes, bytes.count)
    guard number >= 0 else { return nil }
  }

  /// Others take their place.
  func replace(by bytes: [UInt8]) { pw_say_instead(number, bytes, bytes.count) }

  /// Sends them now, and never again.
  func sayNow() { pw_say_now(number) }

  /// They are not needed any more.
  func takeBack() { pw_say_no_more(number) }
}

/// A point in time that something must have happened by.
struct Deadline {
  private let end: Int64

  init(milliseconds: Int) { end = pw_milliseconds() + Int64(milliseconds) }

  init(seconds: Double) { self.init(milliseconds: Int(min(max(seconds, 0), 1e9) * 1000)) }

  /// Never negative.
  var millisecondsLeft: Int { Int(max(0, end - pw_milliseconds())) }

  var hasPassed: Bool { millisecondsLeft == 0 }
}

/// A file in memory without a name, which a target may be asked to write into; closed when the value ends.
struct MemoryFile: ~Copyable {
  let descriptor: Int32

  /// Nil where the system gives none.
  init?() {
    descriptor = pw_memory_file()
    guard descriptor >= 0 else { return nil }
  }

  deinit { close(descriptor) }
}
