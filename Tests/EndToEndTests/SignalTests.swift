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

  /// What the shell does before it becomes the program: no core dumps.
  private static let plain = #"ulimit -c 0; exec "$@""#

  private func names(in folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path(""))
  }

  /// Starts a command in which no signal is blocked, as a shell does: the threads that tests run on block some, and
  /// Foundation's `Process` hands that on.
  private func start(_ script: String, _ arguments: [String], errors: Int32) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // Nor is one ignored that whoever runs the tests ignores.
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var words = (["sh", "-c", script, "sh"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    return posix_spawn(&process, "/bin/sh", &actions, &attributes, &words, environ) == 0 ? process : -1
  }

  /// A pipe that takes nothing more, and that nobody reads: whoever writes into it waits there.
  private func fullPipe() -> Pipe {
    let pipe = Pipe()
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    var byte: UInt8 = 0
    while write(descriptor, &byte, 1) == 1 {}
    _ = fcntl(descriptor, F_SETFL, flags)
    return pipe
  }

  /// Sends the signal to an export that has begun to write, and waits there since it cannot print its timings; then
  /// lets it go on. Gives what waitpid(2) tells of its end.
  private func end(of script: String, by signal: Int32, in folder: TemporaryFolder) throws -> Int32 {
    let pipe = fullPipe()
    let process = start(
      script, [Program.path, "export", GuestTruth.all[0].capturePath, "-o", folder.path("out"), "--timings"],
      errors: pipe.fileHandleForWriting.fileDescriptor)
    try #require(process > 0)
    var status: Int32 = 0
    while try names(in: folder).isEmpty, waitpid(process, &status, WNOHANG) == 0 { usleep(1000) }
    kill(process, signal)
    pipe.fileHandleForWriting.closeFile()
    _ = try pipe.fileHandleForReading.readToEnd()
    waitpid(process, &status, 0)
    return status
  }

  @Test(arguments: fatal)
  func aSignalEndsTheProgramAndTakesTheUnfinishedFileAway(signal: Int32) throws {
    let folder = try TemporaryFolder()
    // A status below 128 is the signal that ended it; 128 more, and it dumped its core.
    #expect(try end(of: Self.plain, by: signal, in: folder) & 0xff7f == signal)
    #expect(try names(in: folder) == [])
  }

  @Test func aSignalThatIsIgnoredStaysIgnored() throws {
    // As nohup(1) starts programs.
    let folder = try TemporaryFolder()
    #expect(try end(of: "trap '' HUP; " + Self.plain, by: SIGHUP, in: folder) == 0)
    #expect(try names(in: folder) == ["out"])
  }
}
