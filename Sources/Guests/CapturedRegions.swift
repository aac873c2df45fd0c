import MemoryImages
import PageTables

/// The named regions that a capture carries, one line of tab-separated fields a region: root of its space, or `*`
/// for the kernel's part of all; first and last byte; permissions or `-`; offset in its file or `-`; `user` or
/// which part of the kernel; name.
///
/// So a capture tells what lies where, without the memory that tells it.
public struct CapturedRegions: Sendable {
  private var kernel: [NamedRegion] = []
  private var users: [PhysicalAddress: [NamedRegion]] = [:]
  /// Lines that are taken; more than any guest has.
  private static let limit = 1 << 21

  /// Lines that hold no region are passed over.
  public init(lines: [String]) {
    for line in lines.prefix(CapturedRegions.limit) {
      let fields = line.split(separator: "\t", maxSplits: 6, omittingEmptySubsequences: false)
      guard fields.count == 7, let first = CapturedRegions.number(fields[1]),
        let last = CapturedRegions.number(fields[2]), first <= last
      else { continue }
      func region(_ kind: NamedRegion.Kind) -> NamedRegion {
        NamedRegion(
          kind: kind, first: VirtualAddress(first), last: VirtualAddress(last), name: String(fields[6]),
          permissions: fields[3] == "-" ? nil : String(fields[3]),
          fileOffset: CapturedRegions.number(fields[4]))
      }
      if fields[0] == "*" {
        if let kind = KernelRegion.Kind(rawValue: String(fields[5])) { kernel.append(region(.kernel(kind))) }
      } else if let root = CapturedRegions.number(fields[0]), fields[5] == "user" {
        users[PhysicalAddress(root), default: []].append(region(.user))
      }
    }
  }

  private static func number(_ text: some StringProtocol) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil
  }

  /// The lines for what a guest calls the addresses of these spaces.
  public static func lines(for spaces: [FoundSpace], of guest: LinuxGuest) -> [String] {
    let kernel = guest.kernelRegions().compactMap(NamedRegion.init).map { line("*", $0) }
    return kernel
      + spaces.flatMap { found -> [String] in
        // A user copy has the regions of its other copy, and needs no lines of its own.
        if case .userCopy = found.isolation { return [] }
        guard let task = guest.owner(of: found) else { return [] }
        let root = AddressText.hex(found.space.root.value)
        return guest.regions(of: task).map { line(root, NamedRegion($0)) }
      }
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

  /// What the guest called the addresses of a space; nil where the capture says nothing of it.
  public func names(of found: FoundSpace) -> AddressNames? {
    let root: PhysicalAddress
    if case .userCopy(let other) = found.isolation { root = other } else { root = found.space.root }
    let regions = (users[root] ?? []) + kernel
    guard !regions.isEmpty else { return nil }
    return AddressNames(
      regions: regions, symbols: nil, firstKernelAddress: found.space.scheme.usualKernelStart)
  }
}
