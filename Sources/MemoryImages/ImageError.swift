import Glibc

/// Why a source could not be opened, or an output could not be written. `description` is one line: what failed,
/// where, and what to do.
public enum ImageError: Error, Hashable, Sendable {
  case noSuchFile(String)
  case noPermission(String)
  case isDirectory(String)
  case notARegularFile(String)
  case emptyFile(String)
  /// A URI with an unknown scheme.
  case unknownSource(String)
  /// No known signature, and not a size that raw memory has either.
  case unknownFormat(String)
  /// A header that contradicts itself or the file: which field, at which file offset.
  case corrupt(String, offset: UInt64, problem: String)
  /// A file whose format is recognized but cannot be opened: what it is, and what would work.
  case unsupported(String, feature: String)
  /// Memory of a processor whose page tables cannot be read.
  case unsupportedMachine(String, Machine)
  case outputExists(String)
  /// The system refused an operation; `reason` is the system's own text.
  case system(String, operation: String, reason: String)

  /// The error for the system's refusal to open `path`.
  static func opening(_ path: String, _ code: Int32) -> ImageError {
    switch code {
    case ENOENT, ENOTDIR: .noSuchFile(path)
    case EACCES, EPERM: .noPermission(path)
    case EISDIR: .isDirectory(path)
    case ENXIO: .notARegularFile(path)
    default: .system(path, operation: "open", reason: errorText(code))
    }
  }
}

extension ImageError: CustomStringConvertible {
  /// The message, without line breaks and control characters.
  public var description: String {
    let line =
      switch self {
      case .noSuchFile(let path): "\(path): no such file; check the path"
      case .noPermission(let path): "\(path): no permission; check the file's owner and mode"
      case .isDirectory(let path): "\(path): is a directory; give the dump file in it"
      case .notARegularFile(let path): "\(path): is no regular file; save the dump to a file first"
      case .emptyFile(let path): "\(path): the file is empty; was the dump written to the end?"
      case .unknownSource(let source): "\(source): unknown kind of source; give the path of a dump file"
      case .unknownFormat(let path):
        "\(path): unknown format: not \(ImageFormat.listOfNames); raw memory opens with --format raw"
      case .corrupt(let path, let offset, let problem):
        "\(path): corrupt at file offset 0x\(String(offset, radix: 16)): \(problem); dump it again"
      case .unsupported(let path, let feature): "\(path): \(feature)"
      case .unsupportedMachine(let path, let machine):
        "\(path): is memory of another architecture, \(machine.name): only page tables of "
          + "\(Machine.supportedNames) are read"
      case .outputExists(let path): "\(path): exists already; --force overwrites it"
      case .system(let path, let operation, let reason): "\(path): cannot \(operation): \(reason)"
      }
    return oneLine(line)
  }
}

/// The C library's text for an `errno` value.
package func errorText(_ code: Int32) -> String {
  guard let text = strerror(code) else { return "error \(code)" }
  return String(cString: text)
}

/// Paths and texts from dumps are untrusted: control characters must not reach a terminal.
package func oneLine(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars {
    let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
    let splitsLine = scalar.value == 0x2028 || scalar.value == 0x2029
    line.unicodeScalars.append(isControl || splitsLine ? "?" : scalar)
  }
  return line
}
