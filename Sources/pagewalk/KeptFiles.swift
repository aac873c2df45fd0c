import Explorer
import Glibc
import MemoryImages
import PageTables

/// The files that the program keeps for a person, where the XDG Base Directory Specification puts them: the
/// configuration, the history of commands, and of each dump the bookmarks and the last place.
enum KeptFiles {
  private static func directory(_ variable: String, else path: String) -> String? {
    if let given = variable.withCString({ getenv($0) }).map({ String(cString: $0) }), given.hasPrefix("/") {
      return given + "/pagewalk"
    }
    guard let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") else { return nil }
    return home + "/" + path + "/pagewalk"
  }

  /// The commands of the configuration, a line each, with its number; none where there is no such file.
  static func configuration() throws -> [(line: Int, text: String)] {
    guard let path = configurationPath, access(path, F_OK) == 0 else { return [] }
    return try readText(path, limit: configurationLimit).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline
    )
    .enumerated()
    .map { ($0.offset + 1, String($0.element.drop { $0 == " " || $0 == "\t" })) }
    .filter { !$0.1.isEmpty && !$0.1.hasPrefix("#") }
  }

  /// Bytes that the configuration may have: nobody writes so many lines.
  private static let configurationLimit = 1 << 18

  static var configurationPath: String? {
    directory("XDG_CONFIG_HOME", else: ".config").map { $0 + "/config" }
  }

  private static var stateDirectory: String? { directory("XDG_STATE_HOME", else: ".local/state") }

  /// What was kept of a dump.
  static func keepsakes(of image: MemoryImage) -> Keepsakes {
    guard let directory = stateDirectory,
      let text = try? readText("\(directory)/\(identity(of: image))")
    else { return Keepsakes() }
    return Keepsakes(lines: text.split(whereSeparator: \.isNewline))
  }

  /// The commands of earlier runs.
  static func history() -> [String] {
    guard let directory = stateDirectory, let text = try? readText(directory + "/history") else { return [] }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }

  /// Keeps both for the next time; where that cannot be done, nothing is said: nobody asked for it.
  static func keep(_ keepsakes: Keepsakes, of image: MemoryImage, history: [String]) {
    guard let directory = stateDirectory else { return }
    makeDirectories(directory)
    write(keepsakes.lines, to: "\(directory)/\(identity(of: image))")
    write(history, to: directory + "/history")
  }

  private static func write(_ lines: [String], to path: String) {
    guard var file = try? OutputFile(path: path, force: true) else { return }
    guard (try? file.write(lines.map { $0 + "\n" }.joined())) != nil else { return }
    try? file.commit()
  }

  private static func makeDirectories(_ path: String) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      // Only the person may read what they looked at.
      mkdir(made, 0o700)
    }
  }

  /// A dump is known again by what it holds, a machine that runs by how it is reached.
  private static func identity(of image: MemoryImage) -> String {
    guard image.memory is HeldMoment else { return "dump-" + String(image.identity, radix: 16) }
    return "live-" + image.name.utf8.map { String($0, radix: 16) }.joined().suffix(200)
  }
}
