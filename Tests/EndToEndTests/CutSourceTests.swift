import Foundation
import TestSupport
import Testing

/// A source that is cut short while a command reads it.
@Suite struct CutSourceTests {
  @Test func isOneLineAndStatusOneAndWhatWasReadStays() throws {
    let folder = try TemporaryFolder()
    let sample = GuestTruth.all[0].capturePath
    let path = try folder.write("dump", try Data(contentsOf: URL(fileURLWithPath: sample)))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = ["map", path, "--each", "--json"]
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // It stops in the middle of its walk when nobody takes what it writes.
    let end = Date(timeIntervalSinceNow: 60)
    var waiting: Int32 = 0
    while waiting < 1 << 16, process.isRunning, end > Date() {
      usleep(5000)
      _ = ioctl(output.fileHandleForReading.fileDescriptor, UInt(FIONREAD), &waiting)
    }
    try #require(process.isRunning && waiting >= 1 << 16)
    #expect(truncate(path, 4096) == 0)
    let written = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationReason == .exit && process.terminationStatus == 1)
    #expect(written.count > 1 << 16)
    let lines = said.split(separator: "\n")
    #expect(lines.last?.hasPrefix("pagewalk: \(path): became shorter while it was read: ") == true, "\(said)")
    // What a walk always says of tables that it does not get may stand before it, and no backtrace.
    #expect(lines.allSatisfy { $0.hasPrefix("pagewalk: ") } && lines.count <= 2, "\(said)")
  }
}

/// Sources with more holes than anybody would wait for.
@Suite struct SparseSourceTests {
  @Test func holesAreSteppedOver() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("sparse", Data(count: 8192))
    #expect(truncate(path, 1 << 43) == 0)
    let run = try Program.run(["spaces", path, "--format", "raw"])
    #expect(run.status == 1)
    #expect(run.errors.contains("a scan of 8T of memory"), "\(run.errors)")
  }
}
