import Foundation
import PageTables
import TestSupport
import Testing

/// How roots are named, and what is said where a search could not do all.
@Suite struct RootSearchTests {
  /// Two roots of four levels, each with one page of a user's and nothing of a kernel's.
  private func twoRoots() -> (kernel: SmallKernel, roots: [UInt64]) {
    var kernel = SmallKernel(X86.paging4Level(), size: 4 << 20)
    let roots = [kernel.root(), kernel.root()]
    for root in roots { kernel.memory.map(0x40_0000, to: 0x35_0000, in: root, flags: 0x67) }
    kernel.complete()
    return (kernel, roots.map(\.root.value))
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  @Test func rootsComeFromAFile() throws {
    let folder = try TemporaryFolder()
    let (kernel, roots) = twoRoots()
    let dump = try folder.write("memory", Data(kernel.bytes))
    let list = try folder.write(
      "roots",
      Data("\u{FEFF}# two of them\n\n  first=\(hex(roots[0]))  # the first\n\(hex(roots[1]))\r\n".utf8))
    let run = try Program.run(
      ["spaces", dump, "--format", "raw", "--paging", "x86-64", "--roots", list, "--json"])
    #expect(run.status == 0)
    #expect(run.lines.count == 2)
    #expect(run.lines.first?.contains("\"name\":\"first\"") == true)
    #expect(run.lines.last?.contains("\"root\":\"\(hex(roots[1]))\"") == true)
    #expect(run.lines.allSatisfy { $0.contains("\"foundBy\":\"given\"") })
  }

  @Test(arguments: [
    ("a=1000\nb=zz\n", ["line 2", "'b=zz'", "NAME=PA"]), ("# nothing\n", ["lists no root"]),
  ])
  func aFileThatListsNoRootsIsRefused(text: String, parts: [String]) throws {
    let folder = try TemporaryFolder()
    let dump = try folder.write("memory", Data(twoRoots().kernel.bytes))
    let list = try folder.write("roots", Data(text.utf8))
    let run = try Program.run(["spaces", dump, "--format", "raw", "--roots", list])
    #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    for part in parts { #expect(run.errors.contains(part), "\(run.errors)") }
  }

  @Test func aFileOfRootsThatIsNotThereIsOneLine() throws {
    let run = try Program.run(["spaces", GuestTruth.all[0].capturePath, "--roots", "/no/such/list"])
    #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.contains("/no/such/list"))
  }

  @Test func aProcessorWithoutPagingIsNamedWhereNothingIsFound() throws {
    let folder = try TemporaryFolder()
    let kernel = SmallKernel(X86.paging4Level(), size: 1 << 20)
    let dump = try folder.write("core", Data(kernel.core(cr0: 0x11, cr3: 0, cr4: 0, machine: 3)))
    let run = try Program.run(["spaces", dump])
    #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    for part in ["no page-table roots found", "cpu 0 has paging off", "--root NAME=PA"] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
  }

  @Test func aSearchThatCouldNotCompareSaysSo() throws {
    let folder = try TemporaryFolder()
    let (kernel, roots) = twoRoots()
    let dump = try folder.write("core", Data(kernel.core(cr3: roots[0], cr4: 0x20, machine: 62)))
    let run = try Program.run(["spaces", dump, "--json"])
    #expect(run.status == 0 && run.lines.count == 1)
    #expect(run.errorLines.count == 1, "\(run.errors)")
    for part in [hex(roots[0]), "--kernel-start VA", "--root NAME=PA"] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
  }

  @Test func aPlaceOfTheKernelThatIsNoAddressIsWrongUsage() throws {
    let run = try Program.run(["spaces", GuestTruth.all[0].capturePath, "--kernel-start", "half"])
    #expect(run.status == 64 && run.errorLines.count == 1)
  }

  // SDM Vol. 3A, Table 4-8 reserves bits 2:1.
  @Test func checkCountsReservedBitsThatEmulatorsLetPass() throws {
    let folder = try TemporaryFolder()
    var kernel = SmallKernel(X86.pae(), size: 4 << 20)
    let root = kernel.root()
    kernel.memory.map(0x40_0000, to: 0x35_0000, in: root, flags: 0x8000_0000_0000_0067)
    let raw = try #require(kernel.memory.entry(table: root.root.value, slot: 0))
    kernel.memory.set(table: root.root.value, slot: 0, to: raw | 6)
    kernel.complete()
    let dump = try folder.write("core", Data(kernel.core(cr3: root.root.value, cr4: 0x30, machine: 3)))
    let run = try Program.run(["check", dump, "--json"])
    #expect(run.status == 0)
    #expect(run.lines.count == 1 && run.output.contains("\"kind\":\"reserved-bits\""), "\(run.output)")
    #expect(run.output.contains(hex(raw | 6)))
  }
}
