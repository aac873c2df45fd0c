import Glibc
import MemoryImages
import PageTables

/// A folder that nobody else may enter, for files that QEMU writes for us; removed with the value.
final class PrivateFolder: Sendable {
  private let path: String

  /// In memory where the user has such a place; nil where no folder can be made.
  init?() {
    let wanted = ["XDG_RUNTIME_DIR", "TMPDIR"].compactMap { (name: String) in
      getenv(name).map { String(cString: $0) }
    }
    let parent = wanted.first { access($0, W_OK) == 0 } ?? "/tmp"
    let made = "\(parent)/pagewalk-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    guard mkdir(made, 0o700) == 0 else { return nil }
    path = made
  }

  deinit { rmdir(path) }

  /// Whether QEMU sees the same folder, and writes what we can read.
  func works(with save: QemuReach.Save, at address: PhysicalAddress) -> Bool {
    bytes(of: PhysicalRange(address, address.advanced(by: Frame.size)), by: save) != nil
  }

  /// Exactly the bytes of a range; nil where QEMU or the folder refuses.
  func bytes(of range: PhysicalRange, by save: QemuReach.Save) -> [UInt8]? {
    let file = newName
    defer { unlink(file) }
    guard save(range, file), let bytes = SystemFiles.bytes(file, limit: Int(range.length) + 1) else {
      return nil
    }
    return UInt64(bytes.count) == range.length ? bytes : nil
  }

  /// What a core says that `write` makes.
  func description(_ name: String, write: (String) -> Bool) -> CoreDescription? {
    let file = newName
    defer { unlink(file) }
    guard write(file) else { return nil }
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return try? CoreDescription(descriptor: descriptor, path: name)
  }

  /// Several threads may read at once.
  private var newName: String { path + "/" + String(UInt64.random(in: 0 ... .max), radix: 36) }
}
