import Glibc
import Records

/// Standard output in large pieces, as JSON Lines or as a table for people.
struct StandardOutput: ~Copyable {
  private let isJSON: Bool
  private var json = JSONLine()
  private var text: [UInt8] = []
  private var hasHeader = false

  private static let pieceSize = 1 << 16

  init(json: Bool) { isJSON = json }

  deinit {
    writeAll(json.bytes)
    writeAll(text)
  }

  /// Writes one record; before the first one of a table, its header.
  mutating func put<R: Record>(_ record: R) {
    if isJSON {
      json.object { record.write(to: &$0) }
      if json.bytes.count >= StandardOutput.pieceSize {
        writeAll(json.bytes)
        json.removeAll()
      }
    } else {
      if !hasHeader, R.columns.count > 1 { line(Column.line(R.columns.map(\.title), R.columns)) }
      hasHeader = true
      line(R.columns.count > 1 ? Column.line(record.cells, R.columns) : record.cells.joined())
    }
  }

  /// A line that only people see.
  mutating func remark(_ text: String) {
    if !isJSON { line(text) }
  }

  private mutating func line(_ line: String) {
    text.append(contentsOf: line.utf8)
    text.append(UInt8(ascii: "\n"))
    if text.count >= StandardOutput.pieceSize {
      writeAll(text)
      text.removeAll(keepingCapacity: true)
    }
  }
}

/// Writes a text to standard output.
func printText(_ text: String) { writeAll(Array(text.utf8)) }

/// Writes all bytes to standard output; a reader that is gone ends the program quietly, by SIGPIPE.
private func writeAll(_ bytes: [UInt8]) {
  var start = 0
  while start < bytes.count {
    let written = bytes[start...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
    if written < 0 && errno == EINTR { continue }
    guard written > 0 else {
      complain("cannot write to standard output: \(String(cString: strerror(errno)))")
      exit(CommandSources.current?.failureStatus ?? 1)
    }
    start += written
  }
}
