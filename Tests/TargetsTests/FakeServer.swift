import Foundation
import Glibc
import Synchronization

/// A Unix socket in a folder of its own that serves one client at a time, as QEMU's do.
final class FakeServer: Sendable {
  let path: String
  private let listener: Int32
  private let isEnding = Atomic<Bool>(false)

  /// - Parameters:
  ///   - greeting: what a client gets at once; each makes a session of its own.
  ///   - respond: takes what it understands from the bytes that arrived, and gives the answer; nil closes the
  ///     connection.
  init(greeting: @escaping @Sendable () -> [UInt8], respond: @escaping @Sendable (inout [UInt8]) -> [UInt8]?)
  {
    let folder = NSTemporaryDirectory() + "/pw-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    mkdir(folder, 0o700)
    path = folder + "/s"
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { target in
      for (index, byte) in path.utf8.enumerated() where index < target.count - 1 { target[index] = byte }
    }
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    listen(listener, 4)
    Thread.detachNewThread { [self] in
      while !isEnding.load(ordering: .relaxed) {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        Self.serve(client, greeting: greeting(), respond: respond)
        close(client)
      }
    }
  }

  private static func serve(
    _ client: Int32, greeting: [UInt8], respond: @Sendable (inout [UInt8]) -> [UInt8]?
  ) {
    _ = send(client, greeting, greeting.count, Int32(MSG_NOSIGNAL))
    var buffer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(client, &chunk, chunk.count, 0)
      guard count > 0 else { return }
      buffer += chunk[..<count]
      guard let answer = respond(&buffer) else { return }
      if !answer.isEmpty { _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL)) }
    }
  }

  /// Nobody is served any more; whoever is connected is cut off.
  func end() {
    isEnding.store(true, ordering: .relaxed)
    shutdown(listener, Int32(SHUT_RDWR))
    unlink(path)
    rmdir(String(path.dropLast(2)))
  }

  deinit { close(listener) }
}
