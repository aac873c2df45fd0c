import PageTables

/// A named part of the kernel's address space.
public struct KernelRegion: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    case directMap = "direct map"
    case vmalloc
    case pageArray = "vmemmap"
    case cpuEntryArea = "cpu entry area"
    case espfix
    case efi
    case text = "kernel text"
    case readOnlyData = "kernel rodata"
    case data = "kernel data"
    case initialization = "kernel init"
    case zeroedData = "kernel bss"
    case module
    case fixmap
  }

  public let kind: Kind
  /// First byte, and one past the last; `end` of 0 would be the top of the address space.
  public let start: UInt64
  public let end: UInt64
  /// A module's name, or what asked for a vmalloc area; empty where the kind says all. Untrusted text.
  public let name: String
}

extension LinuxGuest {
  /// The parts of the kernel's address space that can be named, in ascending address; smaller ones may lie
  /// inside of larger ones. Source: `Documentation/arch/x86/x86_64/mm.rst` of the kernel for what is fixed,
  /// the kernel's own variables for all else.
  public func kernelRegions() -> [KernelRegion] {
    var regions = imageRegions() + moduleRegions() + movedRegions() + fixedRegions()
    for area in vmallocAreas() {
      let name = area.caller.flatMap { symbols?.describe($0) } ?? ""
      regions.append(
        KernelRegion(kind: .vmalloc, start: area.range.lowerBound, end: area.range.upperBound, name: name))
    }
    return regions.sorted { ($0.start, $1.end) < ($1.start, $0.end) }
  }

  /// The stretches of vmalloc space that are in use, in ascending address; empty where their list is not
  /// known.
  public func vmallocAreas() -> [VmallocArea] {
    VmallocReader.areas(types, vmcoreinfo, symbols, reader)
  }

  /// What the linker's symbols enclose.
  private func imageRegions() -> [KernelRegion] {
    let bounds: [(KernelRegion.Kind, String, String)] = [
      (.text, "_stext", "_etext"), (.readOnlyData, "__start_rodata", "__end_rodata"),
      (.data, "_sdata", "_edata"), (.initialization, "__init_begin", "__init_end"),
      (.zeroedData, "__bss_start", "__bss_stop"),
    ]
    return bounds.compactMap { kind, first, last in
      guard let start = symbols?.address(of: first), let end = symbols?.address(of: last), start < end else {
        return nil
      }
      return KernelRegion(kind: kind, start: start, end: end, name: "")
    }
  }

  private func moduleRegions() -> [KernelRegion] {
    modules.flatMap { module in
      module.parts.map {
        KernelRegion(kind: .module, start: $0.lowerBound, end: $0.upperBound, name: module.name)
      }
    }
  }

  /// Parts that start where the kernel chose at random, and reach as far as there is memory.
  private func movedRegions() -> [KernelRegion] {
    guard let pages = variable("max_pfn"), pages > 0, pages < 1 << 40 else { return [] }
    var regions: [KernelRegion] = []
    func add(_ kind: KernelRegion.Kind, _ symbol: String, _ length: UInt64) {
      guard let start = variable(symbol), VirtualAddress(start) >= kernel.scheme.upperHalf else { return }
      let (end, overflow) = start.addingReportingOverflow(length)
      if !overflow { regions.append(KernelRegion(kind: kind, start: start, end: end, name: "")) }
    }
    add(.directMap, "page_offset_base", pages << 12)
    if let size = types?.size(of: "page"), size > 0, size <= 4096 {
      add(.pageArray, "vmemmap_base", pages &* UInt64(size))
    }
    return regions
  }

  /// Parts that 64-bit kernels have at fixed places.
  private func fixedRegions() -> [KernelRegion] {
    guard kernel.scheme.isSignExtended else { return [] }
    var regions = [
      KernelRegion(
        kind: .cpuEntryArea, start: 0xffff_fe00_0000_0000, end: 0xffff_fe80_0000_0000, name: ""),
      KernelRegion(kind: .espfix, start: 0xffff_ff00_0000_0000, end: 0xffff_ff80_0000_0000, name: ""),
      KernelRegion(kind: .efi, start: 0xffff_ffef_0000_0000, end: 0xffff_ffff_0000_0000, name: ""),
    ]
    // Fixed maps grow down from the last page of the large page below the one of the old system-call page.
    let top: UInt64 = 0xffff_ffff_ff7f_f000
    if let pages = types?.value(of: "__end_of_permanent_fixed_addresses", in: "fixed_addresses"),
      (1...(1 << 16)).contains(pages)
    {
      regions.append(
        KernelRegion(kind: .fixmap, start: top &- UInt64(pages) << 12, end: top &+ 4096, name: ""))
    }
    return regions
  }

  private func variable(_ symbol: String) -> UInt64? {
    symbols?.address(of: symbol).flatMap { reader.pointer(at: $0) }
  }
}
