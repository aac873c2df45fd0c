import Glibc
import MemoryImages
import TestSupport
import Testing

@Suite struct OutputFileTests {
  /// A folder of its own, so that what is left behind can be seen.
  private struct Folder: ~Copyable {
    let path: String

    init() {
      path = ImageFile.unusedPath("folder")
      mkdir(path, 0o700)
    }

    func names() -> [String] {
      guard let folder = opendir(path) else { return [] }
      defer { closedir(folder) }
      var names: [String] = []
      while let entry = readdir(folder) {
        names.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        )
      }
      return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    deinit {
      for name in names() { unlink(path + "/" + name) }
      rmdir(path)
    }
  }

  @Test(arguments: [true, false])
  func theFileAppearsWhole(force: Bool) throws {
    let folder = Folder()
    var file = try OutputFile(path: folder.path + "/out", force: force)
    try file.write("text\n")
    try file.write([1, 2])
    #expect(!folder.names().contains("out"))
    try file.commit()
    #expect(ImageFile.read(folder.path + "/out") == Array("text\n".utf8) + [1, 2])
    #expect(folder.names() == ["out"])
  }

  @Test func whatIsNotCommittedIsRemoved() throws {
    let folder = Folder()
    do {
      var file = try OutputFile(path: folder.path + "/out", force: false)
      try file.write("half")
    }
    #expect(folder.names() == [])
  }

  @Test func aFileThatAppearsMeanwhileIsKept() throws {
    let folder = Folder()
    let path = folder.path + "/out"
    var file = try OutputFile(path: path, force: false)
    try file.write("new")
    var other = try OutputFile(path: path, force: false)
    try other.write("old")
    try other.commit()
    var caught: ImageError?
    do throws(ImageError) { try file.commit() } catch { caught = error }
    #expect(caught == .outputExists(path))
    #expect(ImageFile.read(path) == Array("old".utf8))
    #expect(folder.names() == ["out"])
  }

  @Test func forceReplaces() throws {
    let folder = Folder()
    let path = folder.path + "/out"
    for text in ["old", "new"] {
      var file = try OutputFile(path: path, force: true)
      try file.write(text)
      try file.commit()
    }
    #expect(ImageFile.read(path) == Array("new".utf8))
  }

  @Test(arguments: ["/", "/dev/null", "/nowhere/at/all"])
  func placesThatCannotBeWritten(path: String) {
    var caught: ImageError?
    do throws(ImageError) { _ = try OutputFile(path: path, force: true) } catch { caught = error }
    #expect(caught?.description.hasPrefix(path + ": ") == true)
  }
}
