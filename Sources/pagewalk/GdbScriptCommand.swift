import ArgumentParser
import Glibc

struct GdbScriptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gdb-script",
    abstract:
      "Print a Python file for gdb: its command pw shows the page tables of the guest that gdb debugs.",
    discussion: """
      pagewalk gdb-script > pagewalk-gdb.py; then in gdb: source pagewalk-gdb.py. pw [EXPR] opens the explorer at an \
      address (default $pc), pw -p prints its walk, pw -t opens the explorer in a tmux split that refreshes by itself.
      """)

  func run() throws {
    try reportingFailures { printText(GdbScript.text(program: Self.ownPath)) }
  }

  /// Where this program lies; its name where the system does not tell.
  private static var ownPath: String {
    guard let path = realpath("/proc/self/exe", nil) else { return "pagewalk" }
    defer { free(path) }
    return String(cString: path)
  }
}
