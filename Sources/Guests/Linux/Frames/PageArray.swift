import PageTables

/// The kernel's array of page descriptors: one `struct page` for each frame of physical memory.
struct PageArray: Hashable, Sendable {
  /// How the array is laid out in the kernel's memory (`Documentation/mm/memory-model.rst` of the kernel).
  enum Form: Hashable, Sendable {
    /// In one piece, starting with the descriptor of frame 0. Frames from `count` on have none.
    case flat(start: UInt64, count: UInt64)
    /// In sections, each with its own piece; sections without memory have none.
    case sections(Sections)
  }

  struct Sections: Hashable, Sendable {
    /// An array of pointers to arrays of sections, or, if there are few, of the sections themselves.
    let roots: UInt64
    let rootCount: UInt64
    let perRoot: UInt64
    let isIndirect: Bool
    /// Bytes in a section's description, and the offset in it of the piece's address. That address is stored as if
    /// the piece began at frame 0.
    let size: UInt64
    let map: UInt64
    /// log2 of the frames in a section.
    let shift: UInt64
  }

  let form: Form
  /// Bytes in a descriptor.
  let size: UInt64

  /// `SECTION_HAS_MEM_MAP`; flags occupy the low bits, which are 0 in a page-aligned address.
  private static let hasMap: UInt64 = 2

  /// The address of a frame's descriptor; nil where the frame has none.
  func descriptor(of frame: Frame, _ reader: GuestMemoryReader) -> UInt64? {
    switch form {
    case .flat(let start, let count):
      return frame.number < count ? start &+ frame.number &* size : nil
    case .sections(let sections):
      let section = frame.number >> sections.shift
      let root = section / sections.perRoot
      guard root < sections.rootCount else { return nil }
      let place: UInt64?
      if sections.isIndirect {
        place = reader.pointer(at: sections.roots &+ root &* UInt64(reader.pointerSize))
      } else {
        place = sections.roots &+ root &* sections.perRoot &* sections.size
      }
      guard let place, place != 0,
        let map = reader.pointer(
          at: place &+ (section % sections.perRoot) &* sections.size &+ sections.map),
        map & PageArray.hasMap != 0
      else { return nil }
      return (map & ~(Frame.size &- 1)) &+ frame.number &* size
    }
  }
}

extension PageArray {
  /// The array; nil where neither VMCOREINFO nor the kernel's variables say where it lies.
  init?(
    _ info: Vmcoreinfo?, _ symbols: KernelSymbols?, _ types: TypeInformation?, _ reader: GuestMemoryReader
  ) {
    guard let size = types?.size(of: "page").flatMap(UInt64.init(exactly:)) ?? info?.sizes["page"],
      (16...512).contains(size)
    else { return nil }
    self.size = size
    if let sections = info.flatMap(Sections.init) {
      form = .sections(sections)
      return
    }
    func variable(_ name: String) -> UInt64? {
      (info?.symbols[name] ?? symbols?.address(of: name)).flatMap { reader.pointer(at: $0) }
    }
    // Memory beyond the array's end is unmapped, or belongs to something else, so the end must be known.
    guard let start = variable("mem_map") ?? variable("vmemmap_base"), start != 0,
      let count = variable("max_pfn") ?? PageArray.spannedFrames(info, reader), count > 0, count < 1 << 40
    else { return nil }
    form = .flat(start: start, count: count)
  }

  /// The end of the memory of node 0, used where no variable gives the array's end.
  private static func spannedFrames(_ info: Vmcoreinfo?, _ reader: GuestMemoryReader) -> UInt64? {
    guard let info, let node = info.symbols["contig_page_data"],
      let start = info.offsets["pglist_data.node_start_pfn"],
      let count = info.offsets["pglist_data.node_spanned_pages"],
      let first = reader.pointer(at: node &+ start), let spanned = reader.pointer(at: node &+ count)
    else { return nil }
    return first &+ spanned
  }
}

extension PageArray.Sections {
  /// Nil for kernels without sections.
  fileprivate init?(_ info: Vmcoreinfo) {
    guard let roots = info.symbols["mem_section"], let rootCount = info.lengths["mem_section"],
      let size = info.sizes["mem_section"], (4...256).contains(size), rootCount > 0, rootCount <= 1 << 24,
      let map = info.offsets["mem_section.section_mem_map"], map < size,
      let bits = info.numbers["SECTION_SIZE_BITS"], (20...40).contains(bits),
      let addressBits = info.numbers["MAX_PHYSMEM_BITS"], bits < addressBits, addressBits <= 64
    else { return nil }
    self.roots = roots
    self.rootCount = rootCount
    self.size = size
    self.map = map
    shift = UInt64(bits) - UInt64(Frame.shift)
    // A few sections are stored in the array itself; many are allocated page by page.
    isIndirect = rootCount < 1 &<< UInt64(addressBits - bits)
    perRoot = isIndirect ? Frame.size / size : 1
  }
}
