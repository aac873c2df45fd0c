import Foundation
import TestSupport
import Testing

/// A signal ends the program as it ends any other, and leaves nothing half-written behind.
@Suite struct SignalTests {
  /// Every signal whose default action ends a process (signal(7)), SIGKILL aside; of the real-time signals the first.
  static let fatal: [Int32] = [
    SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,
    SIGALRM,
    SIGTERM, SIGSTKFLT, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS, 34,
  ]

  private func names(in folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path(""))
  }

  /// Sends the signal to a program that has begun to write, and cannot get on since it cannot print its timings, and waits for its end.
  private func interrupted(by signal: Int32, in folder: TemporaryFolder) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", #"ulimit -c 0; exec "$@""#, "sh", Program.path, "export", GuestTruth.all[0].capturePath, "-o",
      folder.path("out"),
      "--timings",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try fullPipe()
    try process.run()
    while process.isRunning, try names(in: folder).isEmpty { usleep(500) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return process
  }

  /// A pipe that takes nothing more, and that nobody reads: whoever writes into it waits there.
  private func fullPipe() throws -> Pipe {
    let pipe = Pipe()
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    var byte: UInt8 = 0
    while write(descriptor, &byte, 1) == 1 {}
    _ = fcntl(descriptor, F_SETFL, flags)
    return pipe
  }

  @Test(arguments: fatal)
  func aSignalEndsTheProgramAndTakesTheUnfinishedFileAway(signal: Int32) throws {
    let folder = try TemporaryFolder()
    let process = try interrupted(by: signal, in: folder)
    #expect(try names(in: folder) == [])
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(process.terminationStatus == signal)
  }

  @Test func aSignalThatIsIgnoredStaysIgnored() throws {
    // As nohup(1) starts programs.
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", #"trap '' HUP; exec "$@""#, "sh", Program.path, "export", GuestTruth.all[0].capturePath, "-o",
      folder.path("out"),
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while process.isRunning, try names(in: folder).isEmpty { usleep(500) }
    kill(process.processIdentifier, SIGHUP)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(try names(in: folder) == ["out"])
  }
}
