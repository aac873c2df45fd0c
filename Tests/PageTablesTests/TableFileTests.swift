import Testing

/// Translations that were worked out by hand from the manual: one file a scheme, and one of what must fault.
@Suite struct TableFileTests {
  @Test(
    arguments: [
      "x86-32", "x86-pae", "x86-64", "x86-64-la57", "aarch64-4k", "aarch64-4k-39", "aarch64-16k",
      "aarch64-64k", "aarch64-4k-lpa2", "aarch64-16k-lpa2", "aarch64-64k-lpa",
      "aarch64-window-sizes", "riscv-sv32", "riscv-sv39",
      "riscv-sv48", "riscv-sv57",
    ].flatMap { [$0 + ".txt", $0 + "-invalid.txt"] })
  func everyExpectationHolds(file: String) throws {
    let table = try TableFile(file)
    #expect(table.problems == [])
    #expect(table.expectations > 10)
  }
}
