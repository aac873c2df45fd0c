import PageTables

extension MemoryImage {
  /// Opens a dump file. The format is recognized by content; files are mapped, not read.
  ///
  /// - Throws: `ImageError` when nothing of it can be shown. A file that can be shown in part is opened, with
  ///   `warnings`.
  public static func open(
    _ path: String, options: SourceOptions = SourceOptions()
  ) throws(ImageError) -> MemoryImage {
    if let scheme = uriScheme(path) { throw .unknownSource(scheme + ":" + path.dropFirst(scheme.count + 1)) }
    let image = try openFile(FileDescriptor.openForReading(path), path: path, options: options)
    if let machine = image.machine, !machine.isSupported { throw .unsupportedMachine(path, machine) }
    return image
  }

  /// Opens the file of `descriptor`; `mayBeFlattened` is false inside a flattened dump.
  static func openFile(
    _ descriptor: consuming FileDescriptor, path: String, options: SourceOptions, mayBeFlattened: Bool = true
  ) throws(ImageError) -> MemoryImage {
    let file = try MappedFile(descriptor, path: path)
    let found = ImageSignature(file)
    if found == nil, options.format != .raw, !options.describesRaw, let foreign = ForeignFormat(file) {
      throw .unsupported(path, feature: foreign.text)
    }
    if !options.linear.isEmpty, found != .elf || options.format == .raw {
      throw .unsupported(
        path, feature: "is no ELF core, and --linear is for cores without physical addresses")
    }
    if options.describesRaw && options.format ?? .raw != .raw {
      throw .unsupported(path, feature: "--base, --hole and --layout are for raw memory: give --format raw")
    }
    if options.format == .raw || (options.describesRaw && found == nil) {
      return try rawImage(file, path: path, options: options)
    }
    if options.describesRaw {
      throw .unsupported(
        path, feature: "has headers that say where its memory lies; --base and the like need --format raw")
    }
    if let wanted = options.format, found?.format != wanted {
      throw .unsupported(path, feature: "is not in the format \(wanted.rawValue); leave --format out")
    }
    switch found {
    case .elf: return try elfImage(file, path: path, options: options, descriptor: descriptor)
    case .lime: return try limeImage(file, path: path)
    case .avml: return try avmlImage(file, path: path)
    case .kdump: return try kdumpImage(file, descriptor: descriptor, path: path)
    case .flattened where mayBeFlattened:
      return try flattenedImage(file, descriptor: descriptor, path: path)
    case .flattened: throw .corrupt(path, offset: 0, problem: "a flattened dump inside a flattened dump")
    case nil:
      // Raw memory has no signature: accept a file of a suitable size, and say so.
      guard file.count % Frame.size == 0, file.count >= 64 << 10 else { throw .unknownFormat(path) }
      var image = try rawImage(file, path: path, options: options)
      image.warnings.append("no known header: read as raw memory (--format raw makes that sure)")
      return image
    }
  }

  /// The scheme of something like `gdb:localhost:1234`, unless a file with that name exists.
  private static func uriScheme(_ source: String) -> String? {
    guard let colon = source.firstIndex(of: ":"), colon != source.startIndex else { return nil }
    let scheme = source[..<colon]
    let isScheme = scheme.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "+")
    }
    guard isScheme, !fileExists(source) else { return nil }
    return String(scheme)
  }
}

/// The format that a file's first bytes indicate.
enum ImageSignature {
  case elf, lime, avml, kdump, flattened

  init?(_ file: borrowing MappedFile) {
    if file.matches("\u{7f}ELF", at: 0) {
      self = .elf
    } else if file.matches("EMiL", at: 0) {
      self = .lime
    } else if file.matches("AVML", at: 0) {
      self = .avml
    } else if file.matches("makedumpfile\0\0\0\0", at: 0) {
      self = .flattened
    } else if Self.isForLibKdumpfile(file) {
      self = .kdump
    } else {
      return nil
    }
  }

  var format: ImageFormat {
    switch self {
    case .elf: .elf
    case .lime: .lime
    case .avml: .avml
    case .kdump, .flattened: .kdump
    }
  }

  /// The signatures of kdump-compressed, the older diskdump, and LKCD in both byte orders.
  private static func isForLibKdumpfile(_ file: borrowing MappedFile) -> Bool {
    if file.matches("KDUMP   ", at: 0) || file.matches("DISKDUMP", at: 0) { return true }
    let lkcd: UInt64 = 0xa819_0173_618f_23ed
    let first = file.load(UInt64.self, at: 0)
    return first == lkcd || first == lkcd.byteSwapped
  }
}
