import MemoryImages
import PageTables

/// The named regions in a capture, one line of tab-separated fields per region: root of its space, or `*` for the
/// kernel's part of all spaces; first and last byte; permissions or `-`; offset in its file or `-`; `user`, or
/// which part of the kernel; name. A line of the kind `in use` has physical addresses: frames that the kernel's image still has.
///
/// With them a capture can name what lies where without the memory that the names came from.
package struct CapturedRegions: Sendable {
  private var kernel = RegionTable()
  /// What the kernel's image still has: all that it maps, without what it gave back; nil where no line says so.
  private var imageFrames: PhysicalRanges?
  private var users: [PhysicalAddress: [NamedRegion]] = [:]
  /// The most lines written or accepted; more than any real guest has. In a hostile guest all processes may show
  /// the same regions, without end.
  package static let limit = 1 << 20
  /// Lines that describe no region are skipped.
  package init(lines: [String]) {
    var kernelParts: [NamedRegion] = []
    var imageFrames: [PhysicalRange] = []
    for line in lines.prefix(CapturedRegions.limit) {
      // By bytes: a capture of a large guest has many lines.
      let fields = line.utf8.split(
        separator: UInt8(ascii: "\t"), maxSplits: 6, omittingEmptySubsequences: false
      ).map(Substring.init)
      guard fields.count == 7, let first = CapturedRegions.number(fields[1]),
        let last = CapturedRegions.number(fields[2]), first <= last,
        fields[3] == "-" || CapturedRegions.arePermissions(fields[3])
      else { continue }
      func region(_ kind: NamedRegion.Kind) -> NamedRegion {
        NamedRegion(
          kind: kind, first: VirtualAddress(first), last: VirtualAddress(last),
          name: fields[6].cut(toBytes: NameLimit.region),
          permissions: fields[3] == "-" ? nil : String(fields[3]),
          fileOffset: CapturedRegions.number(fields[4]))
      }
      if fields[5] == CapturedRegions.inUse {
        let end = last.addingReportingOverflow(1)
        if fields[0] == "*", !end.overflow {
          imageFrames.append(PhysicalRange(PhysicalAddress(first), PhysicalAddress(end.partialValue)))
        }
      } else if fields[0] == "*" {
        if let kind = KernelRegion.Kind(rawValue: String(fields[5])) {
          kernelParts.append(region(.kernel(kind)))
        }
      } else if let root = CapturedRegions.number(fields[0]), fields[5] == "user" {
        users[PhysicalAddress(root), default: []].append(region(.user))
      }
    }
    kernel = RegionTable(kernelParts)
    if !imageFrames.isEmpty { self.imageFrames = PhysicalRanges(imageFrames) }
  }

  private static let inUse = "in use"

  /// Whether the kernel's image still has a frame; nil where the capture does not tell.
  var isInUse: ((PhysicalAddress) -> Bool)? {
    imageFrames.map { frames in { frames.contains($0) } }
  }

  /// Whether the text has the form of permissions in `/proc/PID/maps`, such as `rw-p`.
  private static func arePermissions(_ text: Substring) -> Bool {
    let allowed: [[UInt8]] = [Array("r-".utf8), Array("w-".utf8), Array("x-".utf8), Array("sp".utf8)]
    return text.utf8.count == allowed.count && zip(text.utf8, allowed).allSatisfy { $1.contains($0) }
  }

  private static func number(_ text: some StringProtocol) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil
  }

  /// The lines for a guest's names for the addresses of these spaces.
  package static func lines(for spaces: [FoundSpace], of guest: LinuxGuest) -> [String] {
    lines(for: spaces, of: guest, limit: limit)
  }

  static func lines(for spaces: [FoundSpace], of guest: LinuxGuest, limit: Int) -> [String] {
    var lines = guest.kernelParts().regions.prefix(limit).map { line("*", $0) }
    lines += guest.imageFramesInUse.ranges.prefix(limit - lines.count).map { frames in
      let last = AddressText.hex(frames.end.value &- 1)
      return ["*", AddressText.hex(frames.start.value), last, "-", "-", inUse, ""].joined(separator: "\t")
    }
    for found in spaces where lines.count < limit {
      // A user copy has the regions of its other copy, and needs no lines of its own.
      if case .userCopy = found.isolation { continue }
      guard let task = guest.owner(of: found) else { continue }
      let root = AddressText.hex(found.space.root.value)
      lines += guest.regions(of: task).prefix(limit - lines.count).map { line(root, NamedRegion($0)) }
    }
    return lines
  }

  private static func line(_ root: String, _ region: NamedRegion) -> String {
    let kind =
      switch region.kind {
      case .user: "user"
      case .kernel(let kind): kind.rawValue
      }
    return [
      root, AddressText.hex(region.first.value), AddressText.hex(region.last.value),
      region.permissions ?? "-",
      region.fileOffset.map { AddressText.hex($0) } ?? "-", kind, CaptureList.text(region.name),
    ].joined(separator: "\t")
  }

  /// The guest's names for the addresses of a space; nil where the capture has none.
  package func names(of found: FoundSpace) -> AddressNames? {
    let root: PhysicalAddress
    if case .userCopy(let other) = found.isolation { root = other } else { root = found.space.root }
    let user = users[root] ?? []
    guard !user.isEmpty || !kernel.regions.isEmpty else { return nil }
    return AddressNames(
      user: user, kernel: kernel, symbols: nil, firstKernelAddress: found.space.usualKernelStart)
  }
}
