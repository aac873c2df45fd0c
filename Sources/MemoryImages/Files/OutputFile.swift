import CUnfinishedFile
import Glibc

/// A file that is written under a temporary name beside its own, and gets its own name by `commit`.
///
/// Without `commit` the value's end removes it: a half-written file is never seen.
public struct OutputFile: ~Copyable {
  private let path: String
  /// The file's name until `commit`, for a library that writes by itself.
  public let temporaryPath: String
  private let descriptor: Int32
  private let force: Bool
  private var hasItsName = false

  /// - Parameter force: whether `path` may exist; without it an existing file is refused, also when it
  ///   appears while this one is written.
  public init(path: String, force: Bool) throws(ImageError) {
    guard !path.isEmpty else { throw .system("''", operation: "write", reason: "a file needs a name") }
    var status = stat()
    // Also a link that leads nowhere is a name that exists.
    if stat(path, &status) == 0 || lstat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR {
        throw .system(path, operation: "write", reason: "is a directory; name a file in it")
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw .system(path, operation: "write", reason: "not a regular file")
      }
      guard force else { throw .outputExists(path) }
    }
    // Beside it, so that a renaming is enough; not longer than names may be, however long its own is.
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    let name = folder + ".pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36) + ".tmp"
    let number = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw writing(path, errno) }
    self.path = path
    self.force = force
    temporaryPath = name
    descriptor = number
    pw_remove_when_killed(name)
  }

  deinit {
    close(descriptor)
    if !hasItsName { unlink(temporaryPath) }
    pw_remove_when_killed(nil)
  }

  /// Appends all bytes.
  public mutating func write(_ bytes: RawSpan) throws(ImageError) {
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
  public mutating func write(_ bytes: [UInt8]) throws(ImageError) {
    try write(bytes.span.bytes)
  }

  /// Appends the text as UTF-8.
  public mutating func write(_ text: String) throws(ImageError) {
    try write(Array(text.utf8))
  }

  /// Gives the file its name.
  public consuming func commit() throws(ImageError) {
    var failed: Int32 = 0
    if force {
      if rename(temporaryPath, path) != 0 { failed = errno }
    } else if link(temporaryPath, path) == 0 {
      // Unlike a renaming, a link never replaces what has appeared in the meantime.
      unlink(temporaryPath)
    } else {
      failed = errno
      let hasNoLinks = failed == EPERM || failed == ENOTSUP || failed == ENOSYS
      if hasNoLinks && !fileExists(path) { failed = rename(temporaryPath, path) == 0 ? 0 : errno }
    }
    // On failure the value ends here and removes the temporary.
    if failed == EEXIST { throw .outputExists(path) }
    if failed != 0 { throw writing(path, failed) }
    hasItsName = true
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
public func isSameFile(_ first: String, _ second: String) -> Bool {
  var one = stat()
  var other = stat()
  return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev
    && one.st_ino == other.st_ino
}
