import Foundation
import TestSupport
import Testing

/// What `gdb-script` prints is a Python program that names this one.
@Suite struct GdbScriptTests {
  @Test func itIsPythonAndNamesTheProgram() throws {
    let result = try Program.run(["gdb-script"])
    #expect(result.status == 0)
    let folder = try TemporaryFolder()
    let file = folder.path("pagewalk-gdb.py")
    try result.output.write(toFile: file, atomically: true, encoding: .utf8)
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    python.arguments = ["python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", file]
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
    let program = try #require(result.lines.first { $0.hasPrefix("PROGRAM = ") })
    #expect(program.hasSuffix("/pagewalk\""))
  }
}
