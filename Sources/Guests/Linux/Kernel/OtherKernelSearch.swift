import MemoryImages
import PageTables

/// Looks for another kernel besides the guest's, if there is a sign of one: a CPU runs neither in the guest's
/// kernel nor in a space that it keeps, the guest's kernel captures the memory of another, or it has crashed and
/// had reserved memory for a capturing one.
struct OtherKernelSearch {
  let image: MemoryImage
  let spaces: FoundSpaces
  let features: ProcessorFeatures
  let guest: LinuxGuest

  /// The most bytes searched where nothing says where the other kernel lies.
  private static let byteLimit: UInt64 = 1 << 30
  /// `ELFCORE_ADDR_MAX` (`include/linux/crash_dump.h`): no other kernel left its headers.
  private static let noHeaders = UInt64.max

  /// The other kernel; nil where there is no sign of one, or it cannot be read.
  func run(_ progress: @escaping (Double) -> Bool) -> OtherKernel? {
    let capturing = OtherKernelSearch.isCapturing(guest)
    // A capturing kernel lies in the memory that the crashed one reserved; the crashed one may lie anywhere.
    let reserved = capturing ? nil : reservedMemory
    let hasCrashed = reserved != nil && guest.vmcoreinfo?.hasCrashed == true
    guard capturing || hasCrashed || isCPUElsewhere else { return nil }
    let readable = image.memory.extent.readable
    let ranges = reserved.map { reserved in
      PhysicalRanges(
        readable.ranges.filter { $0.end > reserved.start && $0.start < reserved.end }.map {
          PhysicalRange(max($0.start, reserved.start), min($0.end, reserved.end))
        })
    }
    let finder = KernelSpace(image: image, spaces: spaces, features: features)
    let found = VmcoreinfoSearch(image: image).inMemory(
      in: ranges, limit: capturing || reserved != nil ? .max : OtherKernelSearch.byteLimit, progress
    ) { info in
      finder.own(info).flatMap { $0.root == guest.kernel.root ? nil : $0 }
    }
    guard let found else { return nil }
    var search = LinuxSearch(image: image, spaces: spaces, features: features)
    guard let other = search.run(found.info, of: found.accepted) else { return nil }
    let role: OtherKernel.Role =
      OtherKernelSearch.isCapturing(other) ? .capture : capturing ? .crashed : .second
    return OtherKernel(role: role, guest: other)
  }

  /// Whether the kernel was started to save the memory of a crashed one, which left headers for it.
  private static func isCapturing(_ guest: LinuxGuest) -> Bool {
    guard let headers = guest.symbols?.address(of: "elfcorehdr_addr") else { return false }
    return guest.reader.unsigned(at: headers, size: 8).map { $0 != noHeaders } ?? false
  }

  /// Whether a CPU's root lacks the kernel's part, and is not one that the kernel keeps for a special purpose.
  private var isCPUElsewhere: Bool {
    guard let half = KernelRootEntries(guest.reader) else { return false }
    let special = guest.kernelRoots()
    let own = spaces.spaces.filter { $0.isOnCPU && $0.space.scheme.name == guest.kernel.scheme.name }
    return own.contains { found in
      let root = found.space.root
      // A processor may have stopped on the user's copy.
      return special[root] == nil && !found.space.scheme.kernelRoots(of: root).contains(where: half.holds)
    }
  }

  /// The memory that the kernel reserved for a capturing one (`crashk_res`).
  private var reservedMemory: PhysicalRange? {
    guard let place = guest.symbols?.address(of: "crashk_res"), let types = guest.types,
      let first = types.member("start", of: "resource"), let last = types.member("end", of: "resource"),
      let size = types.size(of: first.type), size == 4 || size == 8,
      let start = guest.reader.unsigned(at: place &+ UInt64(first.offset), size: size),
      let end = guest.reader.unsigned(at: place &+ UInt64(last.offset), size: size), start < end, end < .max
    else { return nil }
    return PhysicalRange(PhysicalAddress(start), PhysicalAddress(end + 1))
  }
}
