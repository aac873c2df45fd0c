/// What the types of swap entries mean: the highest types do not stand for swap files.
///
/// How many types are special depends on the kernel's configuration (`include/linux/swap.h`). It follows from the
/// length of the kernel's array of swap files; their meaning follows from their number and from the kernel's other
/// features.
struct SwapTypes: Hashable, Sendable {
  enum Use: Hashable, Sendable {
    case swap
    /// A page that is being migrated to another frame, or a page of a device: the offset is a frame.
    case frame(String)
    /// A page in broken memory: the offset is its frame.
    case poisoned
    /// Not a page, but a note that the next page here must be treated in a certain way.
    case marker
    /// A page whose contents were lost when it was swapped in.
    case lost
  }

  /// The most swap files possible; nil where unknown.
  let files: Int?
  private let special: [Use?]

  /// The number of types that the entry formats can express.
  static let count = 32
  /// The number of types that remain for swap files when everything in 5.10 to 6.12 is configured.
  private static let leastFiles = 22

  /// Nothing is known except that low types are swap files.
  static let unknown = SwapTypes(files: nil, special: [])

  private init(files: Int?, special: [Use?]) {
    self.files = files
    self.special = special
  }

  /// - Parameters:
  ///   - files: the number of elements in the kernel's array of swap files.
  ///   - isPoisonKnown: whether the kernel takes broken memory out of use.
  ///   - migrations: the number of types for pages being migrated: 0, 2, or 3 since exclusive pages have a type of
  ///     their own.
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
      // The same number in older and in newer kernels.
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

  /// What a type stands for; nil where unknown.
  func use(of type: Int) -> Use? {
    guard let files else { return type < SwapTypes.leastFiles ? .swap : nil }
    if type < files { return .swap }
    return special.indices.contains(type - files) ? special[type - files] : nil
  }
}

extension SwapTypes {
  /// Derives the types from the kernel's symbols and type information.
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

  /// The smallest distance to the next symbol: there may be more than the array up to that symbol.
  private static func size(of names: [String], _ symbols: KernelSymbols) -> UInt64? {
    names.compactMap { name in
      symbols.address(of: name).flatMap { symbols.place(of: $0) }.flatMap(\.size)
    }.min().flatMap { (8...256).contains($0) ? $0 : nil }
  }
}
