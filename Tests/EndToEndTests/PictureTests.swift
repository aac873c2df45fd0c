import Foundation
import TestSupport
import Testing

/// Pictures: what `screenshot` writes, and the one that the README shows.
@Suite struct PictureTests {
  @Test func theReadmeShowsTheRealScreen() throws {
    let folder = try TemporaryFolder()
    let picture = folder.path("explorer.svg")
    let keys = "/ \"hugetlb_b\" Enter l j j l / \"bpf\" Enter l j j l j l j l j"
    let arguments = ["--size", "140x28", "--keys", keys, "-o", picture]
    #expect(try Program.run(["screenshot", "demo"] + arguments).status == 0)
    let kept = GuestTruth.samplesFolder + "/explorer.svg"
    #expect(
      try String(contentsOfFile: picture, encoding: .utf8) == String(contentsOfFile: kept, encoding: .utf8))
  }

  @Test(arguments: ["txt", "ansi", "svg"])
  func eachFormIsTheSameEveryTime(_ form: String) throws {
    let folder = try TemporaryFolder()
    var texts: Set<String> = []
    for name in ["one", "two"] {
      let path = folder.path("\(name).\(form)")
      #expect(try Program.run(["screenshot", "demo", "--size", "80x24", "-o", path]).status == 0)
      texts.insert(try String(contentsOfFile: path, encoding: .utf8))
    }
    #expect(texts.count == 1)
    #expect(texts.first?.contains("kernel") == true)
  }

  @Test func theDemoIsTheSample() throws {
    let sample = try Program.run([
      "screenshot", GuestTruth.all[0].capturePath, "--keys", "G Enter", "-o", "-",
    ])
    let demo = try Program.run(["screenshot", "demo", "--keys", "G Enter", "-o", "-"])
    #expect(sample.status == 0 && demo.status == 0)
    // Only the title differs: it names the source.
    #expect(sample.lines.dropFirst() == demo.lines.dropFirst())
  }

  @Test func anUnknownFormOrKeyIsRefused() throws {
    let folder = try TemporaryFolder()
    for arguments in [["-o", folder.path("x.png")], ["--keys", "Nokey", "-o", folder.path("x.txt")]] {
      let run = try Program.run(["screenshot", "demo"] + arguments)
      #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    }
  }
}
