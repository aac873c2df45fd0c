import PageTables

/// The layout of a page descriptor: byte offsets in `struct page`, and masks of its flags.
struct PageLayout: Sendable {
  struct Flag: Hashable, Sendable {
    let mask: UInt64
    /// The kernel's name, without its prefix.
    let name: String
  }

  struct CompoundKind: Hashable, Sendable {
    let offset: Int
    let hugetlb: UInt64
  }

  struct SlabCache: Hashable, Sendable {
    /// In a slab's descriptor: the pointer to its cache; and in the cache: the pointer to its name.
    let pointer: Int
    let name: Int
  }

  let flags: Int
  let mapping: Int
  /// Nil where only VMCOREINFO is known, and the order of the members does not give the offset.
  let index: Int?
  let privateData: Int
  /// For a mappable page, the count of its mappings; for others, their type.
  let mapCount: Int
  let references: Int
  /// The link in the list that the page is in, if any.
  let list: Int
  let compoundHead: Int
  /// In the second descriptor of a compound page: the count of mappings of the whole.
  private(set) var compoundMapCount: Int?
  /// In the second descriptor of a compound page: the kind of compound page, in kernels where that is not a type.
  private(set) var compoundKind: CompoundKind?
  var slabCache: SlabCache?
  /// Flags that have names, lowest first.
  private(set) var names: [Flag] = []
  var reserved: UInt64 = 0
  private(set) var slab: UInt64 = 0
  private(set) var head: UInt64 = 0
  /// Flags of which every page of a file has at least one: a page that points at a file and has none of them is not
  /// a cached page.
  private(set) var cached: UInt64 = 0
  /// In the second descriptor of a compound page: the counts of its single pages include mappings of the whole.
  private(set) var doubleMap: UInt64 = 0
  /// In the second descriptor of a compound page: it belongs to the pool of huge pages.
  private(set) var hugetlb: UInt64 = 0
  var types: PageTypes

  /// From type information if available, otherwise from VMCOREINFO; nil where both lack an essential member, or
  /// place it outside a descriptor.
  ///
  /// - Parameter size: bytes in a descriptor.
  init?(_ types: TypeInformation?, _ info: Vmcoreinfo?, size: Int, pointerSize: Int) {
    func offset(_ name: String, _ length: Int) -> Int? {
      let offset =
        types?.offset(of: name, in: "page") ?? info?.offsets["page." + name].flatMap { Int(exactly: $0) }
      return offset.flatMap { $0 >= 0 && $0 <= size - length ? $0 : nil }
    }
    guard let flags = offset("flags", pointerSize), let mapping = offset("mapping", pointerSize),
      let privateData = offset("private", pointerSize), let mapCount = offset("_mapcount", 4),
      let references = offset("_refcount", 4), let list = offset("lru", 2 * pointerSize),
      let head = offset("compound_head", pointerSize) ?? offset("compound_info", pointerSize)
    else { return nil }
    self.flags = flags
    self.mapping = mapping
    self.privateData = privateData
    self.mapCount = mapCount
    self.references = references
    self.list = list
    compoundHead = head
    // The only member missing from VMCOREINFO lies between two that it has.
    index =
      offset("index", pointerSize)
      ?? (privateData == mapping + 2 * pointerSize ? mapping + pointerSize : nil)
    self.types = PageTypes(types, info)
    readCompounds(types, info, size: size)
    if let pointer = types?.offset(of: "slab_cache", in: "slab")
      ?? types?.offset(of: "slab_cache", in: "page"),
      let name = types?.offset(of: "name", in: "kmem_cache")
    {
      slabCache = SlabCache(pointer: pointer, name: name)
    }
    readFlags(types, info)
  }

  private mutating func readCompounds(_ types: TypeInformation?, _ info: Vmcoreinfo?, size: Int) {
    // In older kernels these were alternative uses of the second descriptor's members; later they became members of
    // a folio, after its first descriptor.
    func offset(_ old: String, _ new: String, _ length: Int) -> Int? {
      let offset =
        types?.offset(of: old, in: "page") ?? types?.offset(of: new, in: "folio").map { $0 - size }
        ?? info?.offsets["page." + old].flatMap { Int(exactly: $0) }
      return offset.flatMap { $0 >= 0 && $0 <= size - length ? $0 : nil }
    }
    compoundMapCount = offset("compound_mapcount", "_entire_mapcount", 4)
    let number =
      types?.value(of: "HUGETLB_PAGE_DTOR", in: "compound_dtor_id") ?? info?.numbers["HUGETLB_PAGE_DTOR"]
    if let offset = offset("compound_dtor", "_folio_dtor", 1), let number, (1..<256).contains(number) {
      compoundKind = CompoundKind(offset: offset, hugetlb: UInt64(number))
    }
  }

  private mutating func readFlags(_ types: TypeInformation?, _ info: Vmcoreinfo?) {
    func mask(_ name: String) -> UInt64? {
      let bit = types?.value(of: "PG_" + name, in: "pageflags") ?? info?.numbers["PG_" + name]
      return bit.flatMap { (0..<64).contains($0) ? 1 << UInt64($0) : nil }
    }
    let known = types?.constants(of: "pageflags") ?? []
    if let end = known.firstIndex(where: { $0.name == "__NR_PAGEFLAGS" }) {
      // The constants after the number of flags are alternative names for some flags.
      names = known[..<end].compactMap { constant in
        guard (0..<64).contains(constant.value), constant.name.hasPrefix("PG_") else { return nil }
        return Flag(mask: 1 << UInt64(constant.value), name: String(constant.name.dropFirst(3)))
      }
    } else {
      names = ["lru", "private", "swapcache", "swapbacked", "slab", "hwpoison"].compactMap { name in
        mask(name).map { Flag(mask: $0, name: name) }
      }.sorted { $0.mask < $1.mask }
    }
    reserved = mask("reserved") ?? 0
    slab = mask("slab") ?? 0
    head = mask("head") ?? info?.numbers["PG_head_mask"].map { UInt64(bitPattern: $0) } ?? 0
    doubleMap = mask("double_map") ?? 0
    hugetlb = mask("hugetlb") ?? 0
    cached = ["lru", "uptodate", "locked", "swapbacked"].compactMap(mask).reduce(0, |)
  }
}
