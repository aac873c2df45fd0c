import PageTables

extension LinuxGuest {
  /// What an entry means to this guest's kernel; nil where the hardware's reading says everything.
  ///
  /// - Parameters:
  ///   - level: index into the scheme's levels, the root's being 0.
  ///   - address: one that the entry translates. The kernel never swaps out its own memory: a non-present entry of
  ///     its part is not a swap entry, and has no known meaning.
  package func meaning(
    of raw: UInt64, level: Int, scheme: PagingScheme, at address: VirtualAddress
  ) -> EntryMeaning? {
    let meaning = entryReader.meaning(of: raw, level: level, scheme: scheme)
    if address >= scheme.usualKernelStart && meaning?.summary != nil { return nil }
    return meaning?.withoutFrame { !reader.memory.extent.hasMemory($0) }
  }
}

/// Reads entries as the kernel does; set up once, so that each entry costs only a few bit tests.
struct LinuxEntryReader: Sendable {
  private let swapTypes: SwapTypes
  private let layouts: [String: LinuxEntryLayout]

  /// - Parameters:
  ///   - hasSavedDirty: whether the kernel keeps a dirty bit of its own in read-only entries; nil where unknown.
  ///   - swapOnAArch64: where its swap entries keep their numbers, if it is AArch64's.
  init(
    swapTypes: SwapTypes, hasSavedDirty: Bool?,
    swapOnAArch64: LinuxEntryLayout.SwapOnAArch64 = .exclusive
  ) {
    self.swapTypes = swapTypes
    layouts = LinuxEntryLayout.all(hasSavedDirty: hasSavedDirty, swapOnAArch64: swapOnAArch64)
  }

  init(_ symbols: KernelSymbols?, _ types: TypeInformation?, pointerSize: Int) {
    self.init(
      swapTypes: SwapTypes(symbols, types, pointerSize: pointerSize),
      // This function was added together with the bit.
      hasSavedDirty: symbols.map { $0.address(of: "arch_check_zapped_pte") != nil },
      swapOnAArch64: LinuxEntryReader.swapOnAArch64(symbols, types))
  }

  private static func swapOnAArch64(
    _ symbols: KernelSymbols?, _ types: TypeInformation?
  ) -> LinuxEntryLayout.SwapOnAArch64 {
    // The same release brought this function.
    if symbols?.address(of: "contpte_clear_young_dirty_ptes") != nil { return .clearOfGlobal }
    // And another one this flag of pages.
    let knowsFlags = types?.value(of: "PG_locked", in: "pageflags") != nil
    let tellsExclusive = types?.value(of: "PG_anon_exclusive", in: "pageflags") != nil
    return knowsFlags && !tellsExclusive ? .plain : .exclusive
  }

  func meaning(of raw: UInt64, level: Int, scheme: PagingScheme) -> EntryMeaning? {
    guard scheme.levels.indices.contains(level), let layout = layouts[scheme.family] else { return nil }
    let format = scheme.levels[level].format
    let isLast = level == scheme.levels.count - 1
    switch format.kind(of: raw) {
    case .leaf:
      let bits = flags(layout.leafFlags, in: raw)
      return bits.isEmpty ? nil : EntryMeaning(summary: nil, frame: nil, bits: bits)
    case .marked where isLast || scheme.levels[level].allowsLeaves:
      let pageMask = ~(scheme.levels[level].span &- 1)
      let frame = scheme.levels[scheme.levels.count - 1].format.leafAddress
      let hidden = frame.address(in: layout.isFrameInverted ? ~raw : raw).value & pageMask
      if layout.protNone.matches(raw) {
        return EntryMeaning(
          summary: "PROT_NONE", frame: PhysicalAddress(hidden), bits: flags(layout.leafFlags, in: raw))
      }
      if !isLast, layout.splitting.matches(raw) {
        return EntryMeaning(
          summary: "huge page being split", frame: PhysicalAddress(hidden),
          bits: flags(layout.leafFlags, in: raw))
      }
      return swapEntry(raw, layout)
    case .absent, .marked, .table, .malformed: return nil
    }
  }

  /// Whether an entry of a level that is not present refers to swap space, as `meaning` would say; nil for a scheme
  /// that Linux is not known to use.
  func swapTest(_ scheme: PagingScheme) -> ((_ raw: UInt64, _ level: Int) -> Bool)? {
    guard let layout = layouts[scheme.family] else { return nil }
    let swapTypes = swapTypes
    let last = scheme.levels.count - 1
    let allowsLeaves = scheme.levels.map(\.allowsLeaves)
    return { raw, level in
      guard level == last || allowsLeaves[level] && !layout.splitting.matches(raw) else { return false }
      return !layout.protNone.matches(raw) && swapTypes.use(of: Int(layout.swapType.value(in: raw))) == .swap
    }
  }

  private func flags(_ flags: [LinuxEntryLayout.Flag], in raw: UInt64) -> [EntryMeaning.Bit] {
    flags.filter { raw >> UInt64($0.bit) & 1 == 1 }.map {
      EntryMeaning.Bit(position: $0.bit, width: 1, name: $0.name, value: 1)
    }
  }

  private func swapEntry(_ raw: UInt64, _ layout: LinuxEntryLayout) -> EntryMeaning {
    let type = layout.swapType.value(in: raw)
    let offset = layout.swapOffset.value(in: raw)
    let bits =
      flags(layout.swapFlags, in: raw) + [
        bit(layout.swapType, "type", type), bit(layout.swapOffset, "offset", offset),
      ]
    let frame = Frame(offset & (1 &<< UInt64(layout.frameBits) &- 1)).start
    let text: String
    var names = false
    let use = swapTypes.use(of: Int(type))
    switch use {
    case .swap: text = "swap type \(type), offset \(AddressText.hex(offset))"
    case .frame(let name):
      text = "\(name): frame \(AddressText.hex(frame.value))"
      names = true
    case .poisoned:
      text = "poisoned memory: frame \(AddressText.hex(frame.value))"
      names = true
    case .marker: text = "marker: " + markers(offset)
    case .lost: text = "contents lost when swapped in"
    case nil: text = "type \(type), offset \(AddressText.hex(offset)): swap, or a kernel marker"
    }
    return EntryMeaning(
      summary: text, isSwapped: use == .swap, frame: names ? frame : nil,
      bits: bits.sorted { $0.position < $1.position })
  }

  private func bit(_ number: LinuxEntryLayout.Number, _ name: String, _ value: UInt64) -> EntryMeaning.Bit {
    EntryMeaning.Bit(position: number.shift, width: number.width, name: name, value: value)
  }

  /// `PTE_MARKER_*` of `include/linux/swapops.h`.
  private func markers(_ offset: UInt64) -> String {
    let names = ["uffd-wp", "poisoned", "guard"]
    let set = names.indices.filter { offset >> UInt64($0) & 1 == 1 }.map { names[$0] }
    return set.isEmpty ? AddressText.hex(offset) : set.joined(separator: ", ")
  }
}
