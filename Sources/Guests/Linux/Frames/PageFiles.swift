/// Finds the files to which pages of the page cache belong.
struct PageFiles: Sendable {
  let reader: GuestMemoryReader
  let paths: FilePaths
  let offsets: Offsets

  struct Offsets: Hashable, Sendable {
    /// In `address_space`: the inode that it belongs to.
    let host: Int
    /// In `inode`: its mapping, the list of its names, its file system.
    let mapping: Int
    let names: Int
    let superblock: Int
    /// In `dentry`: the link in the list of an inode's names.
    let nameLink: Int
    /// In `super_block`: the first of its mounts, and how mounts are linked.
    let mounts: Int
    let mountLink: MountLink
  }

  /// How the mounts of a file system are linked.
  enum MountLink: Hashable, Sendable {
    /// The link of a mount in a circular list.
    case list(Int)
    /// In a mount: the pointer to the next one; since 6.18 mounts form a chain that ends with a null pointer.
    case chain(Int)
  }

  private static let mountLimit = 64

  /// Nil where the types lack an offset.
  init?(_ types: TypeInformation, _ paths: FilePaths, _ reader: GuestMemoryReader) {
    func offset(_ path: String, _ structure: String) -> Int? { types.offset(of: path, in: structure) }
    guard let host = offset("host", "address_space"), let mapping = offset("i_mapping", "inode"),
      let names = offset("i_dentry", "inode"), let superblock = offset("i_sb", "inode"),
      let nameLink = offset("d_u.d_alias", "dentry"), let mounts = offset("s_mounts", "super_block"),
      let mountLink = offset("mnt_instance", "mount").map(MountLink.list)
        ?? offset("mnt_next_for_sb", "mount").map(MountLink.chain)
    else { return nil }
    self.reader = reader
    self.paths = paths
    offsets = Offsets(
      host: host, mapping: mapping, names: names, superblock: superblock, nameLink: nameLink,
      mounts: mounts, mountLink: mountLink)
  }

  /// With inferred offsets.
  init(_ offsets: Offsets, _ paths: FilePaths, _ reader: GuestMemoryReader) {
    self.reader = reader
    self.paths = paths
    self.offsets = offsets
  }

  /// Whether an `address_space` is at the address: the inode that it names must point back at it.
  func isMapping(_ mapping: UInt64) -> Bool {
    pointer(mapping, offsets.host).flatMap { pointer($0, offsets.mapping) } == mapping
  }

  /// The path of the file whose pages an `address_space` holds; nil where no name leads to the file.
  func path(ofMapping mapping: UInt64) -> String? {
    guard isMapping(mapping), let inode = pointer(mapping, offsets.host),
      let link = pointer(inode, offsets.names), let superblock = pointer(inode, offsets.superblock)
    else { return nil }
    return path(of: link &- UInt64(offsets.nameLink), superblock: superblock)
  }

  /// The path under the first mount of its file system that shows it.
  private func path(of entry: UInt64, superblock: UInt64) -> String? {
    let mounts = mounts(from: superblock &+ UInt64(offsets.mounts))
    // Files that were never in a directory are in no mount's tree.
    let mount = mounts.first { paths.shows($0, entry: entry) } ?? mounts.first
    return mount.flatMap { paths.path(ofEntry: entry, inMount: $0) }
  }

  private func mounts(from head: UInt64) -> [UInt64] {
    switch offsets.mountLink {
    case .list(let link):
      ListWalk.nodes(head: head, reader: reader, limit: PageFiles.mountLimit).nodes.map { $0 &- UInt64(link) }
    case .chain(let next):
      ListWalk.chain(from: reader.pointer(at: head), link: next, reader: reader, limit: PageFiles.mountLimit)
        .nodes
    }
  }

  /// A pointer member that is not null.
  private func pointer(_ address: UInt64, _ offset: Int) -> UInt64? {
    reader.pointer(at: address &+ UInt64(offset)).flatMap { $0 == 0 ? nil : $0 }
  }
}
