import PageTables
import Records
import TestSupport
import Testing

/// What a person may say of a machine whose registers nobody kept: `--no-wp`, `--no-nx`, `--no-pse`.
@Suite struct FeatureOptionTests {
  private func guest(_ name: String) throws -> GuestTruth {
    try #require(GuestTruth.all.first { $0.name == name })
  }

  @Test func withoutWriteProtectTheSupervisorWritesAllItsPages() throws {
    let path = try guest("linux-x86_64").capturePath
    let readOnly = ["map", path, "--space", "kernel", "--filter", "!w s"]
    let found = try Program.records(MapRecord.self, readOnly)
    #expect(!found.isEmpty)
    #expect(try Program.records(MapRecord.self, readOnly + ["--no-wp"]).isEmpty)
    let address = try #require(found.first).va.description
    let translate = ["translate", path, "--space", "kernel", address]
    let bound = try #require(try Program.records(TranslateRecord.self, translate).first)
    #expect(bound.write == false && bound.supervisorWrite == nil)
    let free = try #require(try Program.records(TranslateRecord.self, translate + ["--no-wp"]).first)
    #expect(free.write == true && free.supervisorWrite == true)
    #expect(try Program.run(translate + ["--no-wp"]).output.contains("write protection is off"))
  }

  @Test func withoutNoExecuteBit63IsReserved() throws {
    let path = try guest("linux-x86_64").capturePath
    let map = try Program.run(["map", path, "--space", "kernel", "--no-nx"])
    #expect(map.status == 0)
    #expect(map.errors.contains("malformed"))
  }

  @Test func withoutPageSizeExtensionNoPageIsLarge() throws {
    let path = try guest("linux-i686").capturePath
    let large = ["map", path, "--space", "kernel", "--filter", "4m"]
    #expect(try !Program.records(MapRecord.self, large).isEmpty)
    #expect(try Program.records(MapRecord.self, large + ["--no-pse"]).isEmpty)
  }
}
