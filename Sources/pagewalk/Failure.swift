import ArgumentParser
import Glibc
import MemoryImages
import Records

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

/// Runs a command's work; whatever it throws becomes one line and status 1.
func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let exit as ExitCode {
    throw exit
  } catch {
    complain("\(error)")
    throw ExitCode(1)
  }
}
