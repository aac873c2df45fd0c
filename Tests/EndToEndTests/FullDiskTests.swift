import Foundation
import TestSupport
import Testing

/// What cannot be written is one line on standard error and status 1, and leaves nothing behind.
@Suite struct FullDiskTests {
  private static let sample = GuestTruth.all[0].capturePath

  /// Runs the program with words of the shell around it: `"$@"` is the program and its arguments.
  private func run(_ script: String, _ arguments: [String]) throws -> (status: Int32, errors: [Substring]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script, "sh", Program.path] + arguments
    process.standardInput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self).split(separator: "\n"))
  }

  // full(4): every write to /dev/full fails with ENOSPC.
  @Test(arguments: [
    ["--help"], ["help", "map"], ["export", "--help"], ["--version"],
    ["--generate-completion-script", "bash"],
    ["spaces", sample], ["spaces", "--json", sample], ["map", sample, "--space", "1"], ["check", sample],
    ["explore", sample, "--headless"], ["screenshot", sample, "-o", "-"],
  ])
  func whatIsPrintedIntoAFullDisk(arguments: [String]) throws {
    let result = try run(#"exec "$@" >/dev/full"#, arguments)
    #expect(result.status == 1)
    #expect(result.errors == ["pagewalk: cannot write to standard output: No space left on device"])
  }

  @Test(arguments: [
    ["capture", sample, "-o", "out.elf"], ["export", sample, "-o", "out.sqlite"],
    ["screenshot", sample, "-o", "out.svg"],
  ])
  func aFileThatMayNotGrow(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try run(#"cd "\#(folder.path(""))"; ulimit -f 8; exec "$@""#, arguments)
    #expect(result.status == 1)
    #expect(result.errors.count == 1 && result.errors[0].contains(arguments[3]), "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")) == [])
  }
}
