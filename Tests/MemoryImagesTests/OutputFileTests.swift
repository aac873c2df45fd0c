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

  /// What the error of opening an output says, nil when it opens.
  private func refusal(_ path: String, force: Bool) -> String? {
    do throws(ImageError) {
      _ = try OutputFile(path: path, force: force)
      return nil
    } catch {
      return error.description
    }
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : 0
  }

  @Test func aLinkStaysOneAndWhatItLeadsToIsReplaced() throws {
    let folder = Folder()
    let other = Folder()
    let (link, target) = (folder.path + "/link", other.path + "/target")
    var file = try OutputFile(path: target, force: false)
    try file.write("old")
    try file.commit()
    symlink(target, folder.path + "/link2")
    symlink("link2", link)
    #expect(refusal(link, force: false) == "\(link): exists already; --force overwrites it")
    var replacing = try OutputFile(path: link, force: true)
    #expect(other.names().count == 2, "the temporary file lies beside the target")
    try replacing.write("new")
    try replacing.commit()
    #expect(mode(link) & S_IFMT == S_IFLNK)
    #expect(ImageFile.read(target) == Array("new".utf8))
    #expect(folder.names() == ["link", "link2"])
    #expect(other.names() == ["target"])
  }

  @Test(arguments: ["nothing", "link"]) func aLinkThatLeadsNowhereIsRefused(target: String) {
    let folder = Folder()
    let link = folder.path + "/link"
    symlink(target, link)
    for force in [false, true] {
      let text = refusal(link, force: force)
      #expect(text?.contains("is a link") == true && text?.contains("--force") == false, "\(text ?? "")")
    }
    #expect(folder.names() == ["link"])
  }

  @Test func whatIsNoRegularFileIsRefusedAndNoWordSaysToForceIt() throws {
    let folder = Folder()
    let (pipe, device) = (folder.path + "/pipe", folder.path + "/device")
    mkfifo(pipe, 0o600)
    symlink("/dev/null", device)
    symlink("pipe", folder.path + "/link")
    for path in [pipe, device, folder.path + "/link"] {
      for force in [false, true] {
        let text = refusal(path, force: force)
        #expect(text?.contains("no regular file") == true && text?.contains("--force") == false)
      }
    }
    #expect(mode(pipe) & S_IFMT == S_IFIFO)
    #expect(mode(device) & S_IFMT == S_IFLNK)
    #expect(folder.names() == ["device", "link", "pipe"])
  }

  @Test func whatAProcessHasOpenIsNoName() throws {
    let folder = Folder()
    let gone = folder.path + "/gone"
    let descriptor = open(gone, O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    unlink(gone)
    symlink("/proc/self/fd/\(descriptor)", folder.path + "/link")
    #expect(refusal(folder.path + "/link", force: true)?.hasPrefix(folder.path + "/link: ") == true)
    #expect(folder.names() == ["link"])
  }

  @Test(arguments: [mode_t(0o600), 0o640, 0o444]) func whatIsReplacedGivesItsModeOn(old: mode_t) throws {
    let folder = Folder()
    let path = folder.path + "/out"
    close(open(path, O_WRONLY | O_CREAT, old))
    chmod(path, old)
    var file = try OutputFile(path: path, force: true)
    try file.write("new")
    try file.commit()
    #expect(mode(path) & 0o7777 == old)
    #expect(ImageFile.read(path) == Array("new".utf8))
  }

  @Test(arguments: ["/", "/dev/null", "/nowhere/at/all"])
  func placesThatCannotBeWritten(path: String) {
    var caught: ImageError?
    do throws(ImageError) { _ = try OutputFile(path: path, force: true) } catch { caught = error }
    #expect(caught?.description.hasPrefix(path + ": ") == true)
  }
}
