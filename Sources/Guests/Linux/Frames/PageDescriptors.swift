import PageTables

/// Reads the kernel's page descriptors. Every search is done once in advance; a frame then costs a few reads.
struct PageDescriptors: Sendable {
  let reader: GuestMemoryReader
  let array: PageArray
  var layout: PageLayout
  var files: PageFiles?
  /// What had to be inferred, in words for people.
  var inferred: [String] = []

  /// A descriptor as it is in memory.
  struct Descriptor {
    let frame: Frame
    let address: UInt64
    let bytes: [UInt8]

    /// A member of 1 to 8 bytes; nil outside of the descriptor.
    func value(_ offset: Int, size: Int) -> UInt64? {
      guard offset >= 0, offset + size <= bytes.count else { return nil }
      return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  /// Flags in the low bits of the pointer to a page's owner (`include/linux/page-flags.h`): the first alone means
  /// anonymous memory; both mean merged equal pages (KSM); the second alone means a driver's page.
  static let anonymousBit: UInt64 = 1
  static let movableBit: UInt64 = 2

  private static let headLimit: UInt64 = 1 << 20
  private static let orderLimit: UInt64 = 20
  private static let nameLimit = 64

  func descriptor(of frame: Frame) -> Descriptor? {
    guard let address = array.descriptor(of: frame, reader),
      let bytes = reader.bytes(at: address, count: Int(array.size))
    else { return nil }
    return Descriptor(frame: frame, address: address, bytes: bytes)
  }

  func pointer(_ descriptor: Descriptor, _ offset: Int) -> UInt64 {
    descriptor.value(offset, size: reader.pointerSize) ?? 0
  }

  func flags(_ descriptor: Descriptor) -> UInt64 { pointer(descriptor, layout.flags) }

  /// The field that holds either a count of mappings minus one, or a type.
  func type(_ descriptor: Descriptor) -> UInt64 { descriptor.value(layout.mapCount, size: 4) ?? 0 }

  func references(_ descriptor: Descriptor) -> UInt64 { descriptor.value(layout.references, size: 4) ?? 0 }

  /// The first page of the compound page that a page belongs to; the page itself where it belongs to none; nil
  /// where the link is invalid.
  func head(of page: Descriptor) -> Descriptor? {
    let link = pointer(page, layout.compoundHead)
    guard link & 1 == 1 else { return page }
    // Since 7.1 the link may instead be a mask, ones above zeroes, which yields the first page's address from the
    // page's own.
    let below = ~(link &- 1)
    let isMask = below & (below &+ 1) == 0 && below / array.size < PageDescriptors.headLimit
    let address = isMask ? page.address & link : link &- 1
    guard address < page.address, (page.address - address) % array.size == 0 else { return nil }
    let distance = (page.address - address) / array.size
    guard distance < PageDescriptors.headLimit, distance <= page.frame.number,
      let head = descriptor(of: Frame(page.frame.number - distance)), head.address == address
    else { return nil }
    return head
  }

  /// Whether a page lies in a block of free pages: only the block's first page has the mark, and the block's size.
  func isInFreeBlock(_ page: Descriptor) -> Bool {
    guard layout.types.buddy != .never else { return false }
    for order in 0..<PageDescriptors.orderLimit {
      let first = page.frame.number & ~(1 &<< order &- 1)
      let block = first == page.frame.number ? page : descriptor(of: Frame(first))
      if let block, layout.types.buddy.matches(type(block)),
        (order..<PageDescriptors.orderLimit).contains(pointer(block, layout.privateData))
      {
        return true
      }
    }
    return false
  }

  /// Whether an unreferenced page is in a list of free pages: each processor keeps some for itself.
  func isListed(_ page: Descriptor) -> Bool {
    let size = UInt64(reader.pointerSize)
    let own = page.address &+ UInt64(layout.list)
    let next = pointer(page, layout.list)
    let previous = pointer(page, layout.list + reader.pointerSize)
    return next != own && reader.pointer(at: next &+ size) == own && reader.pointer(at: previous) == own
  }

  /// Whether this is the first page of a slab: older kernels use a flag for this, newer ones a type.
  func isSlab(_ head: Descriptor) -> Bool {
    flags(head) & layout.slab != 0 || layout.types.slab.matches(type(head))
  }

  /// The name of the cache that a slab belongs to; nil where the name is not plain text.
  func cacheName(of slab: Descriptor, _ offsets: PageLayout.SlabCache) -> String? {
    let cache = pointer(slab, offsets.pointer)
    guard cache != 0, let name = reader.pointer(at: cache &+ UInt64(offsets.name)), name != 0,
      let text = reader.text(at: name, limit: PageDescriptors.nameLimit), !text.isEmpty,
      text.count < PageDescriptors.nameLimit, text.allSatisfy({ (0x20..<0x7f).contains($0) })
    else { return nil }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether the compound page that begins here belongs to the pool of huge pages: first a number in its second
  /// descriptor said so, later a flag there, and now a type.
  func isHugetlb(_ head: Descriptor) -> Bool {
    if layout.types.hugetlb.matches(type(head)) { return true }
    guard flags(head) & layout.head != 0, layout.hugetlb != 0 || layout.compoundKind != nil,
      let second = descriptor(of: Frame(head.frame.number &+ 1))
    else { return false }
    if flags(second) & layout.hugetlb != 0 { return true }
    return layout.compoundKind.map { second.value($0.offset, size: 1) == $0.hugetlb } ?? false
  }

  /// How many entries map a page, by itself or as a part of its compound page; nil where the kernel keeps no such
  /// count.
  func mapCount(of page: Descriptor, head: Descriptor, isHugetlb: Bool) -> Int? {
    let isCompound = flags(head) & layout.head != 0
    let own = Int32(truncatingIfNeeded: type(page))
    // Values below -1 are types; pages of those types that use the low bits as a count are not mapped individually.
    let ownCount = own < -1 ? 0 : Int(own) + 1
    guard isCompound else { return own < -1 ? nil : ownCount }
    guard let offset = layout.compoundMapCount, let second = descriptor(of: Frame(head.frame.number &+ 1)),
      let whole = second.value(offset, size: 4).map({ Int32(truncatingIfNeeded: $0) }), whole >= -1
    else { return nil }
    if isHugetlb { return Int(whole) + 1 }
    // In kernels with that flag, the counts of a file's pages include the mappings of the whole.
    let isAnonymous = pointer(head, layout.mapping) & PageDescriptors.anonymousBit != 0
    if layout.doubleMap != 0, !isAnonymous { return ownCount }
    return max(0, ownCount + Int(whole) + 1 - (flags(second) & layout.doubleMap != 0 ? 1 : 0))
  }
}
