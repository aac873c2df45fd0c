import Testing

@testable import Explorer

/// The small guest has `init 1`, whose root is 100000, and `shell 2`, which maps 500000.
@Suite("Where the command line asks to begin")
struct BeginningTests {
  private var driver = ExplorerDriver()

  private mutating func begin(_ space: String?, _ address: String?) {
    driver.send(.begin(space: space, address: address))
  }

  @Test(
    "A space is a name, a process id or a root",
    arguments: [
      ("shell", "shell 2"), ("2", "shell 2"), ("pid:2", "shell 2"), ("100000", "init 1"),
      ("0x100000", "init 1"),
    ])
  mutating func spaces(_ space: String, _ path: String) {
    begin(space, nil)
    #expect(driver.explorer.problem == nil)
    #expect(driver.path == path)
  }

  @Test(
    "An address may name the space that is named already",
    arguments: ["500000", "shell:500000", "2:500000", "pid:2:500000", " shell : 500000"])
  mutating func twice(_ address: String) {
    begin("shell", address)
    #expect(driver.explorer.problem == nil)
    #expect(driver.path.hasPrefix("shell 2 > PML4[0]") && driver.path.hasSuffix("PT[256]"), "\(driver.path)")
  }

  @Test("Two different spaces are a problem that names both")
  mutating func two() {
    begin("init", "shell:500000")
    #expect(driver.explorer.problem == "two spaces are named, init 1 and shell 2")
  }

  @Test(
    "What is no space is a problem, and the nearest one is named",
    arguments: [
      ("p:1000", "there are init 1, shell 2"), ("+1", "there are init 1, shell 2"),
      ("shel", "nearest: shell"),
      ("0x101000", "nearest root: 0x100000, of init 1"), ("", "there are init 1, shell 2"),
    ])
  mutating func none(_ space: String, _ nearest: String) {
    for address in [nil, "500000"] {
      begin(space, address)
      #expect(driver.explorer.problem?.hasPrefix("no space has '\(space)'") == true)
      #expect(driver.explorer.problem?.hasSuffix(nearest) == true, "\(driver.explorer.problem ?? "")")
      #expect(driver.path == "init 1")
    }
  }

  @Test(
    "What is told outside of a prompt speaks of no key", arguments: ["800000000000", "init:800000000000"])
  mutating func noKeys(_ address: String) {
    begin("init", address)
    #expect(driver.explorer.problem == "not canonical; nearest: 00007fff_ffffffff")
    driver.run("goto 800000000000")
    #expect(driver.explorer.problem == "not canonical; nearest: 00007fff_ffffffff")
  }
}
