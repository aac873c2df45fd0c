import PageTables

/// A named part of the kernel's address space.
package struct KernelRegion: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case directMap = "direct map"
    case vmalloc
    case pageArray = "vmemmap"
    case cpuEntryArea = "cpu entry area"
    case espfix
    case efi
    case image = "kernel image"
    case text = "kernel text"
    case readOnlyData = "kernel rodata"
    case data = "kernel data"
    case initialization = "kernel init"
    case zeroedData = "kernel bss"
    case module
    case fixmap
    case ports = "PCI I/O"
    case kasan = "kasan shadow"
  }

  package let kind: Kind
  /// First byte, and one past the last; an `end` of 0 would mean the top of the address space.
  package let start: UInt64
  package let end: UInt64
  /// A module's name, or what requested a vmalloc area; empty where the kind says everything. Untrusted text.
  package let name: String
}

extension KernelRegion {
  /// The parts of the image, delimited by the linker's symbols.
  static func ofImage(_ address: (String) -> UInt64?) -> [KernelRegion] {
    let bounds: [(KernelRegion.Kind, String, String)] = [
      (.text, "_stext", "_etext"), (.readOnlyData, "__start_rodata", "__end_rodata"),
      (.data, startOfData(address), "_edata"), (.initialization, "__init_begin", "__init_end"),
      (.zeroedData, "__bss_start", "__bss_stop"),
    ]
    return bounds.compactMap { kind, first, last in
      guard let start = address(first), let end = address(last), start < end else { return nil }
      return KernelRegion(kind: kind, start: start, end: end, name: "")
    }
  }

  /// The parts of an image that lies in vmalloc areas of its own, where no symbol delimits what is in one: one behind the
  /// other, without the guard page that ends all other areas (AArch64, `map_kernel` in `arch/arm64/mm/mmu.c`).
  ///
  /// - Parameter told: the parts that symbols delimit.
  static func ofImage(in areas: [Range<UInt64>], told: [KernelRegion]) -> [KernelRegion] {
    guard let text = told.first(where: { $0.kind == .text })?.start,
      let middle = areas.firstIndex(where: { $0.contains(text) })
    else { return [] }
    var (first, last) = (middle, middle)
    while first > 0, areas[first - 1].upperBound == areas[first].lowerBound { first -= 1 }
    while last + 1 < areas.count, areas[last].upperBound == areas[last + 1].lowerBound { last += 1 }
    return areas[first...last].filter { area in
      !told.contains { $0.start < area.upperBound && area.lowerBound < $0.end }
    }.map { KernelRegion(kind: .image, start: $0.lowerBound, end: $0.upperBound, name: "") }
  }

  /// RISC-V's `_sdata` begins before the read-only data, and `_data` with what may be written
  /// (`arch/riscv/kernel/vmlinux.lds.S`); elsewhere both are the same, or there is only the first.
  private static func startOfData(_ address: (String) -> UInt64?) -> String {
    guard let first = address("_sdata"), let start = address("_data"), let end = address("_edata"),
      first <= start, start < end
    else { return "_sdata" }
    return "_data"
  }
}

extension LinuxGuest {
  /// The parts of the kernel's address space that have names, in ascending address; smaller ones may lie inside
  /// larger ones. Fixed parts are taken from the kernel's `Documentation/arch/x86/x86_64/mm.rst`, all others from
  /// the kernel's own variables.
  package func kernelRegions() -> [KernelRegion] {
    var regions = moduleRegions() + movedRegions() + fixedRegions()
    let areas = vmallocAreas()
    for area in areas {
      let name = area.caller.flatMap { symbols?.describe($0) } ?? ""
      regions.append(
        KernelRegion(kind: .vmalloc, start: area.range.lowerBound, end: area.range.upperBound, name: name))
    }
    // AArch64's image lies in vmalloc areas of its own: of two that are alike, the later one names an address.
    let image = KernelRegion.ofImage { symbols?.address(of: $0) }
    regions += KernelRegion.ofImage(in: areas.map(\.range), told: image) + image
    return regions.sorted { ($0.start, $1.end) < ($1.start, $0.end) }
  }

  /// The vmalloc areas that are in use, in ascending address; empty where their list is unknown.
  package func vmallocAreas() -> [VmallocArea] {
    VmallocReader.areas(types, vmcoreinfo, symbols, reader)
  }

  private func moduleRegions() -> [KernelRegion] {
    modules.flatMap { module in
      module.parts.map {
        KernelRegion(kind: .module, start: $0.lowerBound, end: $0.upperBound, name: module.name)
      }
    }
  }

  /// Parts whose start the kernel chose at random and whose length depends on the size of memory.
  private func movedRegions() -> [KernelRegion] {
    let regions = placedRegions()
    guard !regions.contains(where: { $0.kind == .directMap }) else { return regions }
    // The tables show the direct map, too: it is what most of the kernel's part maps.
    guard let map = DirectMap(of: kernel, in: reader.memory) else { return regions }
    return regions + [
      KernelRegion(
        kind: .directMap, start: map.bounds.lowerBound, end: map.bounds.upperBound &+ 1, name: "")
    ]
  }

  private func placedRegions() -> [KernelRegion] {
    guard let pages = variable("max_pfn"), pages > 0, pages < 1 << 40 else { return [] }
    var regions: [KernelRegion] = []
    func add(_ kind: KernelRegion.Kind, _ symbol: String, _ length: UInt64) {
      guard let start = variable(symbol), VirtualAddress(start) >= kernel.scheme.upperHalf else { return }
      let (end, overflow) = start.addingReportingOverflow(length)
      if !overflow { regions.append(KernelRegion(kind: kind, start: start, end: end, name: "")) }
    }
    let pageSize = types?.size(of: "page").flatMap { (1...4096).contains($0) ? UInt64($0) : nil }
    for part in architecture?.placedParts ?? [] {
      let length = part.kind == .directMap ? pages &* Frame.size : pageSize.map { pages &* $0 }
      if let length { add(part.kind, part.variable, length) }
    }
    return regions
  }

  /// Parts at fixed addresses, where anything is mapped there.
  private func fixedRegions() -> [KernelRegion] {
    let told = vmcoreinfo.flatMap { architecture?.toldParts($0) } ?? []
    var regions = ((architecture?.fixedParts ?? []) + told).filter { isMapped($0.start, $0.end) }.map {
      KernelRegion(kind: $0.kind, start: $0.start, end: $0.end, name: "")
    }
    if let top = architecture?.fixmapTop,
      let pages = types?.value(of: "__end_of_permanent_fixed_addresses", in: "fixed_addresses"),
      (1...(1 << 16)).contains(pages)
    {
      regions.append(
        KernelRegion(
          kind: .fixmap, start: top &- UInt64(pages) << 12, end: top &+ Frame.size, name: ""))
    }
    return regions
  }

  private func isMapped(_ start: UInt64, _ end: UInt64) -> Bool {
    var isMapped = false
    _ = kernel.forEachRange(
      in: reader.memory, from: VirtualAddress(start), through: VirtualAddress(end &- 1)
    ) { _ in
      isMapped = true
      return false
    }
    return isMapped
  }

  private var architecture: LinuxArchitecture? { LinuxArchitecture.of(kernel.scheme) }

  private func variable(_ symbol: String) -> UInt64? {
    symbols?.address(of: symbol).flatMap { reader.pointer(at: $0) }
  }
}
