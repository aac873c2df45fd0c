import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// `--cow`: leaves are called copy-on-write by the marks of a software that is named.
@Suite struct CopyOnWriteOptionTests {
  /// A kernel of four levels with leaves that carry hyperlight's mark, and others.
  private func arguments(_ folder: borrowing TemporaryFolder) throws -> [String] {
    var kernel = SmallKernel(X86.paging4Level(), size: 4 << 20)
    let root = kernel.root()
    // The mark alone, writable or not; then with other bits beside it, and not at all.
    for (page, flags) in ([0x261, 0x263, 0x661, 0xa61, 0xe61, 0x061] as [UInt64]).enumerated() {
      kernel.memory.map(0x40_0000 + UInt64(page) * 0x1000, to: 0x35_0000, in: root, flags: flags)
    }
    kernel.complete()
    let path = try folder.write("memory", Data(kernel.bytes))
    return [
      path, "--format", "raw", "--paging", "x86-64", "--root", "r=\(String(root.root.value, radix: 16))",
    ]
  }

  @Test func leavesAreNamedByHyperlightsMarkWhereThatIsAskedFor() throws {
    let folder = try TemporaryFolder()
    let source = try arguments(folder)
    let map = ["map"] + source + ["--range", "400000..406000", "--each"]
    let marked = try Program.records(MapRecord.self, map + ["--cow", "hyperlight"])
    #expect(
      marked.map { $0.flags.contains("copy-on-write") } == [true, true, false, false, false, false])
    // The bits keep the manual's names.
    #expect(marked.first?.flags == ["A", "D", "AVL9", "copy-on-write"])
    let plain = try Program.records(MapRecord.self, map)
    #expect(plain.allSatisfy { !$0.flags.contains("copy-on-write") })
    let text = try Program.run(map + ["--cow", "hyperlight"])
    #expect(text.lines.filter { $0.contains(" copy-on-write") }.count == 2)
  }

  @Test func translateNamesIt() throws {
    let folder = try TemporaryFolder()
    let translate = ["translate"] + (try arguments(folder)) + ["--cow", "hyperlight"]
    for (address, isMarked) in [("401000", true), ("402000", false)] {
      let record = try #require(try Program.records(TranslateRecord.self, translate + [address]).first)
      #expect(record.flags?.contains("copy-on-write") == isMarked)
    }
  }

  @Test func theExplorerNamesItInTheTreeAndBesideIt() throws {
    let folder = try TemporaryFolder()
    let screenshot =
      ["screenshot"] + (try arguments(folder))
      + ["--size", "160x40", "--keys", "g \"401000\" Enter", "-o", "-"]
    let marked = try Program.run(screenshot + ["--cow", "hyperlight"])
    #expect(marked.status == 0, "\(marked.errors)")
    #expect(marked.output.contains("9 copy-on-write 1  copied at the first write"))
    #expect(marked.lines.filter { $0.contains("00401000") && $0.contains("copy-on-write") }.count == 1)
    #expect(try !Program.run(screenshot).output.contains("copy-on-write"))
  }

  @Test(arguments: ["spaces", "shared", "tables", "check", "mirrors"])
  func everyCommandTakesIt(command: String) throws {
    let folder = try TemporaryFolder()
    let run = try Program.run([command] + (try arguments(folder)) + ["--cow", "hyperlight"])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func anUnknownConventionIsWrongUsage() throws {
    let run = try Program.run(["spaces", "demo", "--cow", "nosuch"])
    #expect(run.status == 64 && run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.contains("'nosuch'") && run.errors.contains("hyperlight"))
  }
}
