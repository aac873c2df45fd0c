import PageTables

/// Builds the paths of open files (`fs/d_path.c` of the kernel), as seen from the first root.
struct FilePaths {
  let reader: GuestMemoryReader
  let offsets: Offsets

  struct Offsets {
    let fileDentry: Int
    let fileMount: Int
    let parent: Int
    let nameText: Int
    let nameLength: Int
    let inode: Int
    let hashLink: Int?
    let operations: Int
    let nameOperation: Int
    let superblock: Int
    let fileSystem: Int
    let fileSystemName: Int
    /// Nil where it could not be inferred.
    let inodeNumber: Int?
    let mountRoot: Int
    /// `mnt` in `struct mount`, which files point at.
    let inMount: Int
    let mountParent: Int
    let mountPoint: Int
  }

  private static let depthLimit = 256
  private static let nameLimit = 255
  private static let pathLimit = 4096

  /// Nil where the types lack an offset.
  init?(_ types: TypeInformation, _ reader: GuestMemoryReader) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let fileDentry = offset("f_path.dentry", "file"), let fileMount = offset("f_path.mnt", "file"),
      let parent = offset("d_parent", "dentry"), let nameText = offset("d_name.name", "dentry"),
      let nameLength = offset("d_name.len", "dentry"), let inode = offset("d_inode", "dentry"),
      let operations = offset("d_op", "dentry"), let nameOperation = offset("d_dname", "dentry_operations"),
      let superblock = offset("d_sb", "dentry"), let fileSystem = offset("s_type", "super_block"),
      let fileSystemName = offset("name", "file_system_type"), let inodeNumber = offset("i_ino", "inode"),
      let mountRoot = offset("mnt_root", "vfsmount"), let inMount = offset("mnt", "mount"),
      let mountParent = offset("mnt_parent", "mount"), let mountPoint = offset("mnt_mountpoint", "mount")
    else { return nil }
    self.reader = reader
    offsets = Offsets(
      fileDentry: fileDentry, fileMount: fileMount, parent: parent, nameText: nameText,
      nameLength: nameLength, inode: inode, hashLink: offset("d_hash.pprev", "dentry"),
      operations: operations, nameOperation: nameOperation, superblock: superblock, fileSystem: fileSystem,
      fileSystemName: fileSystemName, inodeNumber: inodeNumber, mountRoot: mountRoot, inMount: inMount,
      mountParent: mountParent, mountPoint: mountPoint)
  }

  /// With inferred offsets.
  init(_ offsets: Offsets, _ reader: GuestMemoryReader) {
    self.offsets = offsets
    self.reader = reader
  }

  /// The path of the `struct file` at an address, followed by ` (deleted)` where no name leads to it any more; nil
  /// where it cannot be read.
  func path(ofFile file: UInt64) -> String? {
    guard let dentry = pointer(file, offsets.fileDentry), let mount = pointer(file, offsets.fileMount) else {
      return nil
    }
    return path(ofEntry: dentry, inMount: mount &- UInt64(offsets.inMount))
  }

  /// The same for a file's `struct dentry`, as seen in a `struct mount`.
  func path(ofEntry dentry: UInt64, inMount mount: UInt64) -> String? {
    guard let parent = pointer(dentry, offsets.parent) else { return nil }
    let isRoot = parent == dentry
    if let operations = pointer(dentry, offsets.operations),
      pointer(operations, offsets.nameOperation) != nil,
      !isRoot || pointer(mount, offsets.inMount + offsets.mountRoot) != dentry
    {
      return generatedName(of: dentry)
    }
    guard var path = path(dentry, mount) else { return nil }
    // A name that has been removed from its directory is no longer in the hash table either.
    if !isRoot, let link = offsets.hashLink, reader.pointer(at: dentry &+ UInt64(link)) == 0 {
      path += " (deleted)"
    }
    return path
  }

  /// Whether a `struct mount` shows an entry of its file system: it may show only a part.
  func shows(_ mount: UInt64, entry: UInt64) -> Bool {
    guard let top = pointer(mount, offsets.inMount + offsets.mountRoot) else { return false }
    var dentry = entry
    for _ in 0..<FilePaths.depthLimit where dentry != top {
      guard let parent = pointer(dentry, offsets.parent), parent != dentry else { return false }
      dentry = parent
    }
    return dentry == top
  }

  /// The name of a file that is in no directory: its file system generates it.
  private func generatedName(of dentry: UInt64) -> String? {
    guard let name = name(of: dentry) else { return nil }
    let kind = pointer(dentry, offsets.superblock).flatMap { pointer($0, offsets.fileSystem) }
      .flatMap { pointer($0, offsets.fileSystemName) }.flatMap { reader.string(at: $0, limit: 32) }
    switch kind {
    case "anon_inodefs": return "anon_inode:" + name
    case "sockfs": return inodeNumber(of: dentry).map { "socket:[\($0)]" }
    case "pipefs": return inodeNumber(of: dentry).map { "pipe:[\($0)]" }
    case "dmabuf": return "/dmabuf:" + name
    default: return "/" + name + " (deleted)"
    }
  }

  private func inodeNumber(of dentry: UInt64) -> UInt64? {
    guard let offset = offsets.inodeNumber else { return nil }
    return pointer(dentry, offsets.inode).flatMap { reader.pointer(at: $0 &+ UInt64(offset)) }
  }

  /// The names from the file up to the root of its mount, from there to where that is mounted, and so on.
  private func path(_ first: UInt64, _ firstMount: UInt64) -> String? {
    var dentry = first
    var mount = firstMount
    var names: [String] = []
    var length = 0
    for _ in 0..<FilePaths.depthLimit {
      let top = pointer(mount, offsets.inMount + offsets.mountRoot)
      guard let parent = pointer(dentry, offsets.parent) else { return nil }
      if dentry == top || dentry == parent {
        guard let above = pointer(mount, offsets.mountParent), above != mount, dentry == top,
          let point = pointer(mount, offsets.mountPoint)
        else { return names.isEmpty ? "/" : names.reversed().map { "/" + $0 }.joined() }
        mount = above
        dentry = point
        continue
      }
      guard let name = name(of: dentry) else { return nil }
      length += name.utf8.count + 1
      guard length <= FilePaths.pathLimit else { return nil }
      names.append(name)
      dentry = parent
    }
    return nil
  }

  /// A name as `/proc` shows it: only line breaks are escaped.
  private func name(of dentry: UInt64) -> String? {
    guard let text = pointer(dentry, offsets.nameText),
      let length = reader.unsigned(at: dentry &+ UInt64(offsets.nameLength), size: 4),
      let bytes = reader.text(at: text, limit: min(Int(length), FilePaths.nameLimit)), !bytes.isEmpty
    else { return nil }
    let isPlain = !bytes.contains(UInt8(ascii: "\n"))
    let escaped = isPlain ? bytes : bytes.flatMap { $0 == UInt8(ascii: "\n") ? Array("\\012".utf8) : [$0] }
    return String(decoding: escaped, as: UTF8.self)
  }

  /// A pointer member that is not null.
  private func pointer(_ address: UInt64, _ offset: Int) -> UInt64? {
    reader.pointer(at: address &+ UInt64(offset)).flatMap { $0 == 0 ? nil : $0 }
  }
}
