import ArgumentParser
import Glibc
import MemoryImages
import Records
import Synchronization

/// The question or the source failed: one line on standard error, exit status 1.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// One line on standard error, behind the program's name.
func complain(_ text: String) {
  // What a hostile file puts into a message must not flood the screen.
  let limit = 500
  let shown = text.utf8.count > limit ? String(text.unicodeScalars.prefix(limit)) + " .." : text
  let line = "pagewalk: " + printable(shown) + "\n"
  line.utf8.withContiguousStorageIfAvailable { bytes in
    _ = Glibc.write(2, bytes.baseAddress, bytes.count)
  }
}

/// Runs a command's work; whatever it throws becomes one line and a status, as does what its sources have lost
/// meanwhile.
///
/// - Parameter status: that of a failure; 1 unless it means something else, as in diff(1).
func reportingFailures(status: Int32 = 1, _ body: () throws -> Void) throws {
  let sources = CommandSources(failureStatus: status)
  do {
    try CommandSources.$current.withValue(sources) { try body() }
  } catch let exit as ExitCode {
    throw sources.complainOfLosses() ? ExitCode(status) : exit
  } catch {
    _ = sources.complainOfLosses()
    complain("\(error)")
    throw ExitCode(status)
  }
  if sources.complainOfLosses() { throw ExitCode(status) }
}

/// The sources that a command has opened: at its end, what they lost while it ran is said.
final class CommandSources: Sendable {
  @TaskLocal static var current: CommandSources?

  /// The exit status of a failure.
  let failureStatus: Int32
  private let images = Mutex<[MemoryImage]>([])

  init(failureStatus: Int32) { self.failureStatus = failureStatus }

  func add(_ image: MemoryImage) { images.withLock { $0.append(image) } }

  /// One line for each source that lost anything; answers whether any did.
  func complainOfLosses() -> Bool {
    let losses = images.withLock { $0.compactMap(\.loss) }
    for loss in losses { complain(loss) }
    return !losses.isEmpty
  }
}
