import PageTables

extension LinuxGuest {
  /// What the guest uses a frame for; nil where its page array cannot be read, or does not cover the frame.
  package func frameUse(of frame: PhysicalAddress) -> FrameUse? { pages?.use(of: frame.frame) }

  /// Whether a frame is none that the kernel gives away, such as one of its image.
  func isReserved(_ frame: PhysicalAddress) -> Bool { pages?.isReserved(frame.frame) ?? false }

  /// The frames of the kernel's image that it did not give away after boot.
  var imageFramesInUse: PhysicalRanges {
    guard let pages else { return PhysicalRanges([]) }
    let start = ["_text", "_stext"].lazy.compactMap { symbols?.address(of: $0) }.first
    return KernelImage(reader, start: start).frames(reader) { pages.isReserved($0.frame) }
  }
}

extension PageDescriptors {
  func isReserved(_ frame: Frame) -> Bool {
    guard let head = descriptor(of: frame).flatMap(head(of:)) else { return false }
    return flags(head) & layout.reserved != 0
  }

  /// What the kernel uses a frame for; nil where the frame has no readable descriptor.
  func use(of frame: Frame) -> FrameUse? {
    guard let page = descriptor(of: frame), let head = head(of: page) else { return nil }
    let type = type(head)
    let flags = flags(head)
    if layout.types.table.matches(type) { return use(.pageTable, page, head) }
    if isSlab(head) {
      return use(.slab, page, head, detail: layout.slabCache.flatMap { cacheName(of: head, $0) })
    }
    if isHugetlb(head) {
      let file = mapping(head).flatMap { files?.path(ofMapping: $0) }
      return use(.huge, page, head, detail: file, isHugetlb: true)
    }
    if flags & layout.reserved != 0 { return use(.reserved, page, head) }
    if references(head) == 0 {
      if isInFreeBlock(page) || (page.address == head.address && isListed(page)) {
        return use(.free, page, head)
      }
      // Most such pages lie in free blocks, but here these cannot be recognized.
      if layout.types.buddy == .never { return nil }
    }
    // Types and counts share a field, and pages with a type have no mapping.
    guard type < PageTypes.lowest || type == PageTypes.none else { return use(.kernel, page, head) }
    let owner = pointer(head, layout.mapping)
    if owner & PageDescriptors.anonymousBit != 0 {
      return use(.anonymous, page, head, isMerged: owner & PageDescriptors.movableBit != 0)
    }
    if let owner = mapping(head), flags & layout.cached != 0, files?.isMapping(owner) != false {
      let index = layout.index.map { pointer(head, $0) &+ (frame.number &- head.frame.number) }
      return use(
        .pageCache, page, head, detail: files?.path(ofMapping: owner),
        fileOffset: index.flatMap { $0 >> 52 == 0 ? $0 << UInt64(Frame.shift) : nil })
    }
    return use(.kernel, page, head)
  }

  /// The mapping that the page belongs to, if that is a file's.
  func mapping(_ head: Descriptor) -> UInt64? {
    let owner = pointer(head, layout.mapping)
    return owner != 0 && owner & (PageDescriptors.anonymousBit | PageDescriptors.movableBit) == 0
      ? owner : nil
  }

  private func use(
    _ kind: FrameUse.Kind, _ page: Descriptor, _ head: Descriptor, detail: String? = nil,
    fileOffset: UInt64? = nil, isHugetlb: Bool = false, isMerged: Bool = false
  ) -> FrameUse {
    let flags = flags(head)
    let names = layout.names.filter { flags & $0.mask != 0 }.map(\.name) + (isMerged ? ["ksm"] : [])
    return FrameUse(
      kind: kind, detail: detail, fileOffset: fileOffset, flags: names,
      mapCount: mapCount(of: page, head: head, isHugetlb: isHugetlb), references: Int(references(head)))
  }
}
