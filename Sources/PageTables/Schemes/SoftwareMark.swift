/// What software keeps in an entry that the processor reads as not present.
public struct SoftwareMark: Hashable, Sendable {
  /// Its name: `PROT_NONE`.
  public let name: String
  /// Which entries carry the mark.
  public let test: BitTest
  /// The bits that hold the frame, if the mark keeps one.
  public let frame: AddressFormat?
  /// Whether the frame's bits are kept inverted, as Linux does against L1TF.
  public let isInverted: Bool
  /// Whether the mark keeps a page of the size that the entry covers. If so, only entries that could be leaves
  /// carry the mark, and address bits below that size are ignored. Otherwise it keeps a single frame, such as a
  /// table's.
  public let isPage: Bool
  /// Its name in the upper half, where that is another: a word for user memory may be none for the kernel's own.
  public let upperName: String?

  /// A mark of the entries that pass `test`, and where they keep a frame.
  public init(
    name: String, test: BitTest, frame: AddressFormat? = nil, isInverted: Bool = false, isPage: Bool = true,
    upperName: String? = nil
  ) {
    self.upperName = upperName
    self.name = name
    self.test = test
    self.frame = frame
    self.isInverted = isInverted
    self.isPage = isPage
  }

  /// Something of unknown meaning.
  public static let software = SoftwareMark(name: "software", test: .always)
}

/// A software mark found in an entry, and the physical address that it keeps.
public struct FoundMark: Hashable, Sendable {
  /// The name of the mark.
  public let name: String
  /// The physical address that the entry keeps; nil where it keeps none.
  public let address: PhysicalAddress?

  /// A mark by its name, and the address that an entry keeps.
  public init(name: String, address: PhysicalAddress?) {
    self.name = name
    self.address = address
  }

  /// Whether the meaning is known, rather than only that something is kept.
  public var isKnown: Bool { name != SoftwareMark.software.name }
}

extension PagingScheme {
  /// The mark in an entry of the given level, if it carries a known one; nil for a level that the scheme does not
  /// have.
  ///
  /// - Parameter address: one that the entry translates; nil counts as one of the lower half.
  public func mark(in raw: UInt64, level: Int, at address: VirtualAddress? = nil) -> FoundMark? {
    guard levels.indices.contains(level) else { return nil }
    let mayBeLeaf = level == levels.count - 1 || !levels[level].leafFields.isEmpty
    let mark = marks.first { mark in
      mark.test.matches(raw) && (mayBeLeaf || mark.frame == nil || !mark.isPage)
    }
    guard let mark else { return nil }
    let pageMask = mark.isPage ? ~(levels[level].span - 1) : ~(Frame.size - 1)
    let isUpper = address.map { $0 >= upperHalf } ?? false
    let kept = mark.frame.map { format in
      PhysicalAddress(format.address(in: mark.isInverted ? ~raw : raw).value & pageMask)
    }
    return FoundMark(
      name: isUpper ? mark.upperName ?? mark.name : mark.name, address: kept)
  }

  /// The same, without the address where the machine has no memory there: such an address is not a frame.
  public func mark(
    in raw: UInt64, level: Int, of memory: any PhysicalMemory, at address: VirtualAddress? = nil
  ) -> FoundMark? {
    mark(in: raw, level: level, at: address).map { found in
      FoundMark(name: found.name, address: found.address.flatMap { memory.extent.hasMemory($0) ? $0 : nil })
    }
  }
}
