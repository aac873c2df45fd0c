import MemoryImages
import PageTables

/// A quick check for Linux in the kernel's image, before longer searches through all of memory.
struct LinuxSign {
  let image: MemoryImage
  let spaces: FoundSpaces

  /// What every kernel says about itself (`linux_banner` in its `init/version.c`), and the name of its first task.
  private static let signs = ["Linux version ", "swapper/0\0", "swapper\0"].map { Array($0.utf8) }
  /// The length of the image's own code and data; modules and other mappings follow.
  private static let pageLimit = (96 << 20) / Int(Frame.size)

  /// - Parameter progress: gets the fraction done, 0 to 1; returning false stops the check.
  func isThere(_ progress: @escaping (Double) -> Bool) -> Bool {
    guard let space = KernelSpace(image: image, spaces: spaces, features: ProcessorFeatures()).find(nil)
    else {
      return false
    }
    let reader = GuestMemoryReader(space, image.memory).rememberingStretches()
    var isFound = false
    var pages = 0
    KernelImage(reader, start: nil).forEachPage(reader) { _, page in
      pages += 1
      isFound = LinuxSign.isIn(page)
      return !isFound && pages < LinuxSign.pageLimit
    }
    if isFound || LinuxArchitecture.of(space.scheme)?.image != nil { return isFound }
    // A 32-bit kernel may run anywhere in its direct map; its VMCOREINFO is found with one comparison per page.
    return VmcoreinfoSearch(image: image).inMemory(progress) { $0.symbols["swapper_pg_dir"] } != nil
  }

  /// Both texts begin with letters that one comparison of four bytes recognizes, and at multiples of four: the
  /// first is a long array, which compilers align, the second follows pointers.
  private static func isIn(_ page: RawSpan) -> Bool {
    let linux: UInt64 = 0x756e_694c
    let swapper: UInt64 = 0x7061_7773
    for start in stride(from: 0, to: Int(Frame.size), by: 8) {
      let words = page.entry(at: start, size: 8)
      guard words != 0 else { continue }
      let low = words & 0xffff_ffff
      let high = words >> 32
      let isLow = low == linux || low == swapper
      guard isLow || high == linux || high == swapper else { continue }
      let offset = isLow ? start : start + 4
      for sign in signs where offset + sign.count <= Int(Frame.size) {
        let isSame = sign.indices.allSatisfy {
          page.unsafeLoad(fromByteOffset: offset + $0, as: UInt8.self) == sign[$0]
        }
        if isSame { return true }
      }
    }
    return false
  }
}
