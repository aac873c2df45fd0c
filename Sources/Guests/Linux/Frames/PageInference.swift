import PageTables

extension PageDescriptors {
  /// Infers how a slab's descriptor leads to the slab's name: slabs that hold processes are called `task_struct`,
  /// those that hold their memory descriptors `mm_struct`.
  func inferredSlabCache(_ tasks: [GuestTask]) -> PageLayout.SlabCache? {
    let known = tasks.filter { $0.memory != nil }.prefix(PageInference.tasks)
    let slabs = known.map { ($0.address, "task_struct") } + known.map { ($0.memory ?? 0, "mm_struct") }
    let named = slabs.compactMap { address, name -> (descriptor: Descriptor, name: String)? in
      guard let page = reader.physical(of: address).flatMap({ descriptor(of: $0.frame) }),
        let head = head(of: page), isSlab(head)
      else { return nil }
      return (head, name)
    }
    guard Set(named.map { $0.name }).count == 2 else { return nil }
    let size = reader.pointerSize
    for pointer in stride(from: size, to: Int(array.size), by: size) {
      for name in stride(from: 0, to: PageInference.cacheSize, by: size) {
        let cache = PageLayout.SlabCache(pointer: pointer, name: name)
        if named.allSatisfy({ cacheName(of: $0.descriptor, cache) == $0.name }) { return cache }
      }
    }
    return nil
  }

  /// Infers how the owner of a page leads to its file: an inode knows its own pages, a directory entry knows its
  /// inode, both know their file system, and the file system knows its mounts.
  ///
  /// - Parameter frames: some frames that processes map.
  func inferredFiles(_ frames: [Frame], paths: FilePaths) -> PageFiles? {
    var mappings: Set<UInt64> = []
    for frame in frames where mappings.count < PageInference.files {
      guard let head = descriptor(of: frame).flatMap({ self.head(of: $0) }),
        flags(head) & layout.cached != 0, !isSlab(head), flags(head) & layout.reserved == 0
      else { continue }
      if let mapping = mapping(head) { mappings.insert(mapping) }
    }
    return PageInference(reader: reader, paths: paths, mappings: mappings.sorted()).run()
  }
}

/// Infers offsets from what is known about the pages of some files.
struct PageInference {
  let reader: GuestMemoryReader
  let paths: FilePaths
  let mappings: [UInt64]

  /// Processes and files against which guesses are checked; the number of bytes searched in structures.
  static let tasks = 8
  static let files = 8
  static let cacheSize = 256
  private static let mappingSize = 64
  private static let inodeSize = 640
  private static let entrySize = 256
  private static let superblockSize = 1024
  private static let mountSize = 256

  /// Nil where the files do not agree.
  func run() -> PageFiles? {
    guard mappings.count > 1 else { return nil }
    for host in steps(to: PageInference.mappingSize) {
      let inodes = mappings.compactMap { pointer($0, host) }
      guard inodes.count == mappings.count,
        let mapping = first(
          in: PageInference.inodeSize,
          { offset in zip(inodes, mappings).allSatisfy { pointer($0, offset) == $1 } })
      else { continue }
      return files(inodes, host: host, mapping: mapping)
    }
    return nil
  }

  private func files(_ inodes: [UInt64], host: Int, mapping: Int) -> PageFiles? {
    guard let (names, nameLink) = names(of: inodes) else { return nil }
    let pairs = inodes.compactMap { inode -> (inode: UInt64, superblock: UInt64)? in
      pointer(inode, names).flatMap { pointer($0 &- UInt64(nameLink), paths.offsets.superblock) }.map {
        (inode, $0)
      }
    }
    guard
      let superblock = first(
        in: PageInference.inodeSize,
        { offset in pairs.allSatisfy { pointer($0.inode, offset) == $0.superblock } }),
      let (mounts, mountLink) = mounts(of: Set(pairs.map(\.superblock)).sorted())
    else { return nil }
    return PageFiles(
      PageFiles.Offsets(
        host: host, mapping: mapping, names: names, superblock: superblock, nameLink: nameLink,
        mounts: mounts, mountLink: .list(mountLink)), paths, reader)
  }

  /// Where an inode holds the head of the list of its names, and where a name holds its link in that list.
  private func names(of inodes: [UInt64]) -> (Int, Int)? {
    for names in steps(to: PageInference.inodeSize) {
      guard let link = inodes.first.flatMap({ pointer($0, names) }) else { continue }
      for nameLink in steps(to: PageInference.entrySize) where isName(link &- UInt64(nameLink), of: inodes[0])
      {
        let fits = inodes.allSatisfy { inode in
          pointer(inode, names).map { isName($0 &- UInt64(nameLink), of: inode) } ?? false
        }
        if fits { return (names, nameLink) }
      }
    }
    return nil
  }

  private func isName(_ entry: UInt64, of inode: UInt64) -> Bool {
    pointer(entry, paths.offsets.inode) == inode && pointer(entry, paths.offsets.parent) != nil
  }

  /// Where a file system holds the head of the list of its mounts, and where a mount holds its link: a mount points
  /// at its root, which is a directory entry of the file system, and then at the file system.
  private func mounts(of superblocks: [UInt64]) -> (Int, Int)? {
    let root = paths.offsets.inMount + paths.offsets.mountRoot
    for mounts in steps(to: PageInference.superblockSize) {
      for mountLink in steps(to: PageInference.mountSize) {
        let fits = superblocks.allSatisfy { superblock in
          guard let link = pointer(superblock, mounts) else { return false }
          let mount = link &- UInt64(mountLink)
          return pointer(mount, root + reader.pointerSize) == superblock
            && pointer(mount, root).flatMap { pointer($0, paths.offsets.superblock) } == superblock
        }
        if fits { return (mounts, mountLink) }
      }
    }
    return nil
  }

  private func steps(to size: Int) -> StrideTo<Int> { stride(from: 0, to: size, by: reader.pointerSize) }

  private func first(in size: Int, _ fits: (Int) -> Bool) -> Int? { steps(to: size).first { fits($0) } }

  /// A pointer member that is not null.
  private func pointer(_ address: UInt64, _ offset: Int) -> UInt64? {
    reader.pointer(at: address &+ UInt64(offset)).flatMap { $0 == 0 ? nil : $0 }
  }
}
