import Canvas
import Guests
import PageTables

/// What the guest calls both sides of a mirror; empty where nobody tells.
struct MirrorNames: Hashable, Sendable {
  /// The region of the process.
  var user = ""
  /// The same in less room.
  var userInShort = ""
  /// The part of the kernel, or what asked for the memory: `vmalloc packet_set_ring+0x20f/0x7f0`.
  var kernel = ""
  /// Who made the mapping, in as little room as it takes: `packet_set_ring`; of a page of the kernel's image, the symbol.
  var maker = ""

  private static let room = 40
  private static let littleRoom = 18

  init() {}

  init(_ mirror: Mirror, _ names: GuestNames, _ found: [FoundSpace]) {
    guard found.indices.contains(mirror.spaceNumber), found.indices.contains(mirror.kernelSpaceNumber) else {
      return
    }
    if let region = names.region(at: mirror.userVA, in: found[mirror.spaceNumber]) {
      user = region.title(fitting: Self.room)
      userInShort = region.title(fitting: Self.littleRoom)
    }
    guard let region = names.region(at: mirror.kernelVA, in: found[mirror.kernelSpaceNumber]) else { return }
    kernel = region.title(fitting: Self.room)
    maker = region.maker
    if mirror.isImage, let symbol = names.symbols?.place(of: mirror.kernelVA.value) {
      maker = symbol.title
      kernel = CellText.fitted("\(maker), \(kernel)", to: Self.room)
    }
  }
}

extension NamedRegion {
  /// What asked for a part of the kernel's memory, without where in its code that was. Untrusted text made visible.
  var maker: String {
    guard case .kernel = kind, !name.isEmpty else { return CellText.visible(title) }
    return CellText.visible(String(name.prefix { $0 != "+" && $0 != " " }))
  }
}
