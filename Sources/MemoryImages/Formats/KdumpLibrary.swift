#if LibKdumpfile
  import CLibKdumpfile
  import Glibc
  import PageTables
  import Synchronization

  /// A dump opened with libkdumpfile, whose objects must be used by one thread at a time: every call takes the
  /// lock.
  struct KdumpLibrary: ~Copyable, Sendable {
    private let context: Mutex<KdumpContext>
    /// The library reads from it as long as the library's object exists.
    private let descriptor: FileDescriptor
    /// Bytes per page in the bitmaps.
    let pageSize: UInt64
    let machine: Machine?

    /// - Parameter pageSize: from the file's header. A kernel with another page size, as AArch64's in QEMU's files,
    ///   says so in its VMCOREINFO, and the library then takes that for the page size of the file.
    init(
      _ descriptor: consuming FileDescriptor, path: String, pageSize wanted: UInt64
    ) throws(ImageError) {
      guard let pointer = kdump_new() else {
        throw .system(path, operation: "open", reason: errorText(ENOMEM))
      }
      // Where the library maps the file, header offsets past its end would raise SIGBUS.
      kdump_set_number_attr(pointer, KDUMP_ATTR_FILE_MMAP_POLICY, kdump_num_t(KDUMP_MMAP_NEVER.rawValue))
      guard kdump_open_fd(pointer, descriptor.number) == KDUMP_OK else {
        let text = kdump_get_err(pointer).map { String(cString: $0) } ?? "no reason given"
        throw .unsupported(path, feature: "libkdumpfile cannot open it: \(text)")
      }
      if Self.pageSize(pointer) != wanted {
        kdump_set_number_attr(pointer, KDUMP_ATTR_PAGE_SIZE, kdump_num_t(wanted))
      }
      guard Self.pageSize(pointer) == wanted else {
        throw .unsupported(
          path, feature: "libkdumpfile cannot read its pages of \(wanted) bytes; convert it to an ELF core")
      }
      pageSize = wanted
      machine = Self.machine(pointer)
      self.descriptor = descriptor
      context = Mutex(KdumpContext(pointer: pointer))
    }

    /// Reads the 4096 bytes at a physical address.
    func read(_ address: UInt64, into page: inout PageBuffer) -> Bool {
      context.withLock { context in page.fill { context.read(address, into: $0) } }
    }

    /// The pages whose bits are set in a bitmap attribute.
    func pages(_ attribute: String) -> PhysicalRanges {
      let limit = UInt64.max / pageSize
      return context.withLock { context in
        var value = kdump_attr_t()
        guard kdump_get_attr(context.pointer, attribute, &value) == KDUMP_OK, value.type == KDUMP_BITMAP,
          let bitmap = value.val.bitmap
        else { return PhysicalRanges([]) }
        var ranges: [PhysicalRange] = []
        var start: kdump_addr_t = 0
        var reached: kdump_addr_t = 0
        while kdump_bmp_find_set(bitmap, &start) == KDUMP_OK, start >= reached, UInt64(start) < limit {
          var end = start
          guard kdump_bmp_find_clear(bitmap, &end) == KDUMP_OK, end > start else { break }
          ranges.append(
            PhysicalRange(
              PhysicalAddress(UInt64(start) * pageSize), PhysicalAddress(min(UInt64(end), limit) * pageSize)))
          start = end
          reached = end
        }
        return PhysicalRanges(ranges)
      }
    }

    private static func pageSize(_ context: OpaquePointer) -> UInt64? {
      var size: kdump_num_t = 0
      guard kdump_get_number_attr(context, KDUMP_ATTR_PAGE_SIZE, &size) == KDUMP_OK else { return nil }
      return UInt64(size)
    }

    private static func machine(_ context: OpaquePointer) -> Machine? {
      var name: UnsafePointer<CChar>?
      guard kdump_get_string_attr(context, KDUMP_ATTR_ARCH_NAME, &name) == KDUMP_OK, let name else {
        return nil
      }
      switch String(cString: name) {
      case KDUMP_ARCH_X86_64: return .x86_64
      case KDUMP_ARCH_IA32: return .i386
      case KDUMP_ARCH_AARCH64: return .aarch64
      case KDUMP_ARCH_ARM: return .arm
      default: return nil
      }
    }
  }

  /// The library's object. It is never freed: in version 0.5.1 `kdump_free` reads and writes attributes after
  /// freeing them, for every dump, and no order of calls avoids that. Its page cache is released; its cache of file
  /// blocks, up to 4 MiB, cannot be.
  struct KdumpContext: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer
    /// Pages in its cache, if that was changed; otherwise 0.
    private var cacheSize: kdump_num_t = 0
    /// Whether the system failed to read the file.
    private var isLost = false

    /// The cache size, in pages, after a page could not be decompressed: small, as each further failure needs a new
    /// cache.
    private static let smallCache: kdump_num_t = 64

    init(pointer: OpaquePointer) { self.pointer = pointer }

    deinit { kdump_set_number_attr(pointer, "cache.size", 1) }

    /// Reads the 4096 bytes at a physical address; false where that fails.
    mutating func read(_ address: UInt64, into target: UnsafeMutableRawPointer) -> Bool {
      guard !isLost else { return false }
      var length = Int(Frame.size)
      let status = kdump_read(pointer, KDUMP_MACHPHYSADDR, UInt(address), target, &length)
      if status != KDUMP_OK { renewCache(after: status) }
      return status == KDUMP_OK && length == Int(Frame.size)
    }

    /// After a failure, version 0.5.1 may later use a cache page without memory, and write to address 0. Changing
    /// the cache size creates a new cache; the cache of file blocks, which breaks when the system fails to read,
    /// cannot be renewed.
    private mutating func renewCache(after status: kdump_status) {
      isLost = status == KDUMP_ERR_SYSTEM
      cacheSize = cacheSize == Self.smallCache ? Self.smallCache + 1 : Self.smallCache
      if kdump_set_number_attr(pointer, "cache.size", cacheSize) != KDUMP_OK { isLost = true }
    }
  }
#endif
