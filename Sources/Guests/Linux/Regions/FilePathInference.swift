import PageTables

/// Infers where open files keep their names: a directory entry holds its own short name, preceded by the name's
/// length, and the path upwards from it ends at an entry that is its own parent and is called `/`.
struct FilePathInference {
  let reader: GuestMemoryReader
  let symbols: KernelSymbols?
  /// Regions, some of which map files.
  let areas: [UInt64]

  private static let areaSize = 160
  private static let fileSize = 160
  private static let entrySize = 256
  private static let sample = 48
  private static let depthLimit = 64

  private struct Entry {
    let parent: Int
    let name: Int
  }

  /// Where a region holds its file, and how to build the file's path.
  func run() -> (file: Int, paths: FilePaths)? {
    let size = reader.pointerSize
    for offset in stride(from: 0, to: FilePathInference.areaSize, by: size) {
      let files = Set(areas.compactMap { pointer($0, offset) })
      guard files.count > 1, files.count < areas.count, let first = files.min() else { continue }
      for member in stride(from: size, to: FilePathInference.fileSize, by: size) {
        guard let dentry = pointer(first, member), let entry = entry(dentry) else { continue }
        let sample = files.sorted().prefix(FilePathInference.sample)
        let dentries = sample.compactMap { pointer($0, member) }
        guard dentries.count == sample.count, dentries.allSatisfy({ leadsUp($0, entry) }),
          let paths = paths(Array(sample), member, dentries, entry)
        else { continue }
        return (offset, paths)
      }
    }
    return nil
  }

  /// The members of a directory entry, if one is at the address.
  private func entry(_ dentry: UInt64) -> Entry? {
    let size = reader.pointerSize
    for name in stride(from: 2 * size + 8, to: FilePathInference.entrySize, by: size)
    where hasName(dentry, name) {
      // The parent directly precedes the name's length and hash.
      let entry = Entry(parent: name - 8 - size, name: name)
      if leadsUp(dentry, entry) { return entry }
    }
    return nil
  }

  private func hasName(_ dentry: UInt64, _ offset: Int) -> Bool {
    guard let text = pointer(dentry, offset),
      let length = reader.unsigned(at: dentry &+ UInt64(offset - 4), size: 4), (1...255).contains(length),
      let bytes = reader.text(at: text, limit: 256)
    else { return false }
    return bytes.count == Int(length) && bytes.allSatisfy { $0 >= 0x20 }
  }

  private func leadsUp(_ dentry: UInt64, _ entry: Entry) -> Bool {
    var next = dentry
    for _ in 0..<FilePathInference.depthLimit {
      guard hasName(next, entry.name), let parent = pointer(next, entry.parent) else { return false }
      // Files without a directory are their own root, under any name.
      if parent == next {
        return next == dentry || pointer(next, entry.name).flatMap { reader.string(at: $0, limit: 2) } == "/"
      }
      next = parent
    }
    return false
  }

  /// The remaining offsets are relative to known ones: a mount's parent and mount point precede its root, an
  /// entry's link into the hash table precedes its parent, its inode follows its name, and its operations precede
  /// its superblock.
  private func paths(_ files: [UInt64], _ member: Int, _ dentries: [UInt64], _ entry: Entry) -> FilePaths? {
    let size = reader.pointerSize
    let mounts = files.compactMap { pointer($0, member - size) }
    guard mounts.count == files.count else { return nil }
    // The first mount is its own parent, and its root directory is its own parent as well.
    guard
      mounts.contains(where: { mount in
        pointer(mount &- UInt64(2 * size), 0) == mount &- UInt64(4 * size)
          && pointer(mount, 0).map { pointer($0, entry.parent) == $0 } == true
      })
    else { return nil }
    guard let system = fileSystem(dentries, after: entry.name) else { return nil }
    return FilePaths(
      FilePaths.Offsets(
        fileDentry: member, fileMount: member - size, parent: entry.parent, nameText: entry.name,
        nameLength: entry.name - 4, inode: entry.name + size, hashLink: entry.parent - size,
        operations: system.superblock - size,
        nameOperation: nameOperation(dentries, system.superblock - size) ?? 9 * size,
        superblock: system.superblock, fileSystem: system.type, fileSystemName: 0,
        inodeNumber: inodeNumber(dentries, entry.name + size, superblock: system.superblock),
        mountRoot: 0, inMount: 4 * size, mountParent: 2 * size, mountPoint: 3 * size), reader)
  }

  /// The path from an entry to its superblock, to its file system, and to that one's name.
  private func fileSystem(_ dentries: [UInt64], after name: Int) -> (superblock: Int, type: Int)? {
    let size = reader.pointerSize
    for superblock in stride(from: name + 2 * size, to: FilePathInference.entrySize, by: size) {
      for type in stride(from: size, to: FilePathInference.entrySize, by: size) {
        let fits = dentries.allSatisfy { dentry in
          guard
            let text = pointer(dentry, superblock).flatMap({ pointer($0, type) })
              .flatMap({ pointer($0, 0) }), let bytes = reader.text(at: text, limit: 24)
          else { return false }
          return (3..<20).contains(bytes.count)
            && bytes.allSatisfy {
              (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
        }
        if fits { return (superblock, type) }
      }
    }
    return nil
  }

  /// The inode's number follows its superblock, its page mapping and what security modules keep: it is the first
  /// member there that is a small number in every inode.
  private func inodeNumber(_ dentries: [UInt64], _ inode: Int, superblock: Int) -> Int? {
    let size = reader.pointerSize
    let pairs = dentries.compactMap { dentry -> (inode: UInt64, superblock: UInt64)? in
      guard let inode = pointer(dentry, inode), let superblock = pointer(dentry, superblock) else {
        return nil
      }
      return (inode, superblock)
    }
    let place = stride(from: size, to: FilePathInference.entrySize, by: size).first { offset in
      pairs.allSatisfy { pointer($0.inode, offset) == $0.superblock }
    }
    guard let place, pairs.count == dentries.count else { return nil }
    let kernel = RootShape(reader.space.scheme).firstKernelAddress.value
    return stride(from: place + 2 * size, through: place + 4 * size, by: size).first { offset in
      pairs.allSatisfy { pair in pointer(pair.inode, offset).map { $0 < kernel } == true }
    }
  }

  /// The offset in the operations of the function that generates a name.
  private func nameOperation(_ dentries: [UInt64], _ operations: Int) -> Int? {
    stride(from: 0, to: 20 * reader.pointerSize, by: reader.pointerSize).first { offset in
      dentries.contains { dentry in
        let function = pointer(dentry, operations).flatMap { pointer($0, offset) }
        return function.flatMap { symbols?.place(of: $0) }.map {
          $0.offset == 0 && $0.name.hasSuffix("_dname")
        }
          == true
      }
    }
  }

  private func pointer(_ address: UInt64, _ offset: Int) -> UInt64? {
    reader.pointer(at: address &+ UInt64(offset)).flatMap { $0 == 0 ? nil : $0 }
  }
}
