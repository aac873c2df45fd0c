import CFatalSignals
import Glibc

/// A file that is written under a temporary name beside its own, and gets its own name by `commit`.
///
/// A symbolic link stays one: what it leads to is replaced, and keeps its owner and mode. What is no regular file is
/// refused, whatever the name says: a pipe, a device, standard output.
/// Without `commit` the value's end removes it: a half-written file is never seen.
package struct OutputFile: ~Copyable {
  /// What the file was asked for by, and the name that it gets, which is another where that is a link.
  private let path: String
  private let ownName: String
  /// The file's name until `commit`, for a library that writes by itself.
  package let temporaryPath: String
  private let descriptor: Int32
  private let force: Bool
  private var hasItsName = false

  /// - Parameter force: whether `path` may exist; without it an existing file is refused, also when it
  ///   appears while this one is written.
  package init(path: String, force: Bool) throws(ImageError) {
    guard !path.isEmpty else { throw .system("''", operation: "write", reason: "a file needs a name") }
    let ownName = try Self.ownName(of: path, force: force)
    // Beside it, so that a renaming is enough; not longer than names may be, however long its own is.
    let folder = ownName.lastIndex(of: "/").map { ownName[...$0] } ?? ""
    let name = folder + ".pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36) + ".tmp"
    pw_remove_when_killed(name)
    let number = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard number >= 0 else {
      let code = errno
      pw_remove_when_killed(nil)
      throw writing(path, code)
    }
    self.path = path
    self.ownName = ownName
    self.force = force
    temporaryPath = name
    descriptor = number
  }

  /// The name that a file asked for as `path` gets; a file that is there must be one that may be replaced.
  private static func ownName(of path: String, force: Bool) throws(ImageError) -> String {
    var status = stat()
    if stat(path, &status) != 0 {
      let code = errno
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return path }
      let reason = code == ENOENT ? "is a link that leads nowhere" : "is a link; " + errorText(code)
      throw .system(path, operation: "write", reason: reason + "; name the file itself")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .system(path, operation: "write", reason: "is a directory; name a file in it")
    default: throw .system(path, operation: "write", reason: "is no regular file; name one")
    }
    // What standard output has open would keep its place, and lose its name.
    guard !(1...2).contains(where: { status.isFile(open: $0) }) else {
      throw .system(
        path, operation: "write", reason: "the program's own output goes there; name another file")
    }
    guard force else { throw .outputExists(path) }
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return path }
    guard let text = realpath(path, nil) else { throw writing(path, errno) }
    defer { free(text) }
    let resolved = String(cString: text)
    // What a process has open leads to a file that may have no name any more.
    guard isSameFile(path, resolved) else {
      throw .system(path, operation: "write", reason: "is a link to no name; name the file itself")
    }
    return resolved
  }

  deinit {
    close(descriptor)
    if !hasItsName { unlink(temporaryPath) }
    pw_remove_when_killed(nil)
  }

  /// Appends all bytes.
  package mutating func write(_ bytes: RawSpan) throws(ImageError) {
    let failure: Int32? = bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let written = Glibc.write(
          descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return written == 0 ? ENOSPC : errno }
        done += written
      }
      return nil
    }
    if let failure { throw writing(path, failure) }
  }

  /// Appends all bytes.
  package mutating func write(_ bytes: [UInt8]) throws(ImageError) {
    try write(bytes.span.bytes)
  }

  /// Appends the text as UTF-8.
  package mutating func write(_ text: String) throws(ImageError) {
    try write(Array(text.utf8))
  }

  /// Gives the file its name.
  package consuming func commit() throws(ImageError) {
    // On failure the value ends here and removes the temporary.
    if let code = lateFailure() ?? namingFailure() {
      throw code == EEXIST ? .outputExists(path) : writing(path, code)
    }
    hasItsName = true
  }

  /// Why what was written could not be kept: some file systems find out only when a file is closed.
  private borrowing func lateFailure() -> Int32? {
    let copy = dup(descriptor)
    return copy >= 0 && close(copy) != 0 ? errno : nil
  }

  private borrowing func namingFailure() -> Int32? {
    if force {
      takeOwnerAndMode()
      return rename(temporaryPath, ownName) == 0 ? nil : errno
    }
    // Unlike a renaming, a link never replaces what has appeared in the meantime.
    if link(temporaryPath, ownName) == 0 {
      unlink(temporaryPath)
      return nil
    }
    let failed = errno
    let hasNoLinks = failed == EPERM || failed == ENOTSUP || failed == ENOSYS
    guard hasNoLinks, !fileExists(ownName) else { return failed }
    return rename(temporaryPath, ownName) == 0 ? nil : errno
  }

  /// Makes the file as accessible as the one that it replaces. Where it cannot have its owner, it has none of its
  /// rights.
  private borrowing func takeOwnerAndMode() {
    var status = stat()
    guard stat(ownName, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if fchown(descriptor, status.st_uid, status.st_gid) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
  }
}

extension stat {
  /// Whether it is what this descriptor has open.
  fileprivate func isFile(open descriptor: Int32) -> Bool {
    var opened = stat()
    return fstat(descriptor, &opened) == 0 && opened.st_dev == st_dev && opened.st_ino == st_ino
  }
}

private func writing(_ path: String, _ code: Int32) -> ImageError {
  switch code {
  case ENOENT: .system(path, operation: "write", reason: "its folder does not exist; create that first")
  case EACCES, EPERM, EROFS:
    .system(path, operation: "write", reason: errorText(code) + "; choose another folder")
  default: .system(path, operation: "write", reason: errorText(code))
  }
}

/// Whether something of that name exists.
func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Whether both names stand for the same file.
package func isSameFile(_ first: String, _ second: String) -> Bool {
  var one = stat()
  var other = stat()
  return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev
    && one.st_ino == other.st_ino
}
