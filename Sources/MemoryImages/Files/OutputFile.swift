import CFatalSignals
import Glibc

/// A file that is written under a temporary name in the same folder, and renamed by `commit`.
///
/// A symbolic link is kept: its target is replaced, and keeps its owner and mode. Anything but a regular file is
/// refused, whatever its name: pipes, devices, standard output. Without `commit`, the file is removed at the end of
/// the value's lifetime: a half-written file is never visible.
package struct OutputFile: ~Copyable {
  /// The requested path, and the final name, which differs from it if the path is a link.
  private let path: String
  private let ownName: String
  /// The file's name until `commit`, for a library that writes the file itself.
  package let temporaryPath: String
  private let descriptor: Int32
  private let force: Bool
  private var hasItsName = false

  /// - Parameter force: whether `path` may exist; otherwise an existing file is refused, even one that appears
  ///   during writing.
  package init(path: String, force: Bool) throws(ImageError) {
    guard !path.isEmpty else { throw .system("''", operation: "write", reason: "a file needs a name") }
    let ownName = try Self.ownName(of: path, force: force)
    // In the same folder, so that renaming is enough; the name has a fixed length, as the final one may be as long
    // as allowed.
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

  /// The final name for a file requested as `path`; an existing file must be one that may be replaced.
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
    // A file open as standard output would keep receiving it, but lose its name.
    guard !(1...2).contains(where: { status.isFile(open: $0) }) else {
      throw .system(
        path, operation: "write", reason: "the program's own output goes there; name another file")
    }
    guard force else { throw .outputExists(path) }
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return path }
    guard let text = realpath(path, nil) else { throw writing(path, errno) }
    defer { free(text) }
    let resolved = String(cString: text)
    // A link to an open file of a process may lead to a file that has no name any more.
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

  /// Renames the file to its final name.
  package consuming func commit() throws(ImageError) {
    // On failure the value's lifetime ends here, which removes the temporary file.
    if let code = lateFailure() ?? namingFailure() {
      throw code == EEXIST ? .outputExists(path) : writing(path, code)
    }
    hasItsName = true
  }

  /// Why the written data could not be stored: some file systems report this only when a file is closed.
  private borrowing func lateFailure() -> Int32? {
    let copy = dup(descriptor)
    return copy >= 0 && close(copy) != 0 ? errno : nil
  }

  private borrowing func namingFailure() -> Int32? {
    if force {
      takeOwnerAndMode()
      return rename(temporaryPath, ownName) == 0 ? nil : errno
    }
    // Unlike `rename`, `link` never replaces a file that has appeared in the meantime.
    if link(temporaryPath, ownName) == 0 {
      unlink(temporaryPath)
      return nil
    }
    let failed = errno
    let hasNoLinks = failed == EPERM || failed == ENOTSUP || failed == ENOSYS
    guard hasNoLinks, !fileExists(ownName) else { return failed }
    return rename(temporaryPath, ownName) == 0 ? nil : errno
  }

  /// Gives the file the owner and mode of the one that it replaces. If it cannot have the same owner, the mode is
  /// not copied either.
  private borrowing func takeOwnerAndMode() {
    var status = stat()
    guard stat(ownName, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if fchown(descriptor, status.st_uid, status.st_gid) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
  }
}

extension stat {
  /// Whether `descriptor` has this file open.
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

/// Whether something with that name exists.
func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Whether both paths refer to the same file.
package func isSameFile(_ first: String, _ second: String) -> Bool {
  var one = stat()
  var other = stat()
  return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev
    && one.st_ino == other.st_ino
}
