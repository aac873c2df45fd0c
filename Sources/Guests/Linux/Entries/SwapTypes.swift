/// What the types of swap entries stand for: the highest ones are taken for what is no swap file.
///
/// How many those are depends on how the kernel was configured (`include/linux/swap.h`). It follows from the
/// length of the kernel's array of swap files; what they are follows from their number and from what else the
/// kernel can do.
struct SwapTypes: Hashable, Sendable {
  enum Use: Hashable, Sendable {
    case swap
    /// A page on its way to another frame, or one of a device: the offset is a frame.
    case frame(String)
    /// A page that cannot be had any more: the offset is its frame.
    case poisoned
    /// No page at all, but a note that the next one is to be treated in some way.
    case marker
    /// A page whose content was lost when it was read back.
    case lost
  }

  /// Swap files that there can be; nil where it is not known.
  let files: Int?
  private let special: [Use?]

  /// Types that the entry formats have room for.
  static let count = 32
  /// With all that 5.10 to 6.12 can be configured to have, so many types remain for swap files.
  private static let leastFiles = 22

  /// Nothing known but that low types are swap files.
  static let unknown = SwapTypes(files: nil, special: [])

  private init(files: Int?, special: [Use?]) {
    self.files = files
    self.special = special
  }

  /// - Parameters:
  ///   - files: elements of the kernel's array of swap files.
  ///   - isPoisonKnown: whether the kernel takes broken memory out of use.
  ///   - migrations: types of entries of pages on their way: 0, 2, or 3 since exclusive pages are told apart.
  init(files: Int, isPoisonKnown: Bool, migrations: Int) {
    let migration: [Use?] =
      switch migrations {
      case 0: []
      case 2: [.frame("migration, read"), .frame("migration, write")]
      default:
        [.frame("migration, read"), .frame("migration, read exclusive"), .frame("migration, write")]
      }
    let device: [Use?] = [.frame("device private, write"), .frame("device private, read")]
    let exclusive: [Use?] = [.frame("device exclusive, write"), .frame("device exclusive, read")]
    let first: [Use?] = (isPoisonKnown ? [.poisoned] : []) + migration
    let rest: [Use?]? =
      switch SwapTypes.count - files - first.count {
      case 0: []
      case 1: [.marker]
      // The same number, of older kernels and of newer ones.
      case 2: migrations == 3 ? [.marker, .lost] : device
      // Either both kinds of exclusive access, or one of them and markers.
      case 4: device + [.frame("device exclusive"), nil]
      case 5: device + exclusive + [.marker]
      case 6: device + exclusive + [.marker, .lost]
      default: nil
      }
    guard let rest else {
      self = .unknown
      return
    }
    self.init(files: files, special: first + rest)
  }

  /// What a type stands for; nil where that cannot be told.
  func use(of type: Int) -> Use? {
    guard let files else { return type < SwapTypes.leastFiles ? .swap : nil }
    if type < files { return .swap }
    return special.indices.contains(type - files) ? special[type - files] : nil
  }
}

extension SwapTypes {
  /// As far as the kernel's symbols and types tell.
  init(_ symbols: KernelSymbols?, _ types: TypeInformation?, pointerSize: Int) {
    guard let symbols, let types, types.value(of: "PG_locked", in: "pageflags") != nil,
      let size = SwapTypes.size(of: ["swap_info", "swapper_spaces"], symbols)
    else {
      self = .unknown
      return
    }
    let migrates = symbols.address(of: "migrate_pages") != nil
    let tellsExclusive = types.value(of: "PG_anon_exclusive", in: "pageflags") != nil
    self.init(
      files: Int(size) / pointerSize,
      isPoisonKnown: types.value(of: "PG_hwpoison", in: "pageflags") != nil,
      migrations: migrates ? (tellsExclusive ? 3 : 2) : 0)
  }

  /// The least of the distances to the next symbol: what lies between may be more than the array.
  private static func size(of names: [String], _ symbols: KernelSymbols) -> UInt64? {
    names.compactMap { name in
      symbols.address(of: name).flatMap { symbols.place(of: $0) }.flatMap(\.size)
    }.min().flatMap { (8...256).contains($0) ? $0 : nil }
  }
}
