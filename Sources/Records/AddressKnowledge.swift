import Guests

/// What a guest tells of one address: each part nil where it tells nothing.
package struct AddressKnowledge: Sendable {
  package var symbol: KernelSymbols.Place?
  package var region: NamedRegion?
  /// What the frame behind the address is used for.
  package var frame: FrameUse?
  /// What the last entry on the way means.
  package var meaning: EntryMeaning?

  package init(
    symbol: KernelSymbols.Place? = nil, region: NamedRegion? = nil, frame: FrameUse? = nil,
    meaning: EntryMeaning? = nil
  ) {
    self.symbol = symbol
    self.region = region
    self.frame = frame
    self.meaning = meaning
  }
}

/// What a frame is used for, for people: `page-cache /bin/busybox+0x1000`, `slab kmalloc-64`, `free`.
package func frameText(_ kind: FrameUse.Kind, _ detail: String?, _ fileOffset: UInt64?) -> String {
  // Most frames that are reserved hold the kernel itself, whom nobody gave them.
  var text = kind == .reserved ? "reserved (kernel image or firmware)" : kind.rawValue
  if let detail { text += " " + printable(detail) }
  if let fileOffset { text += (detail == nil ? " +" : "+") + Hex(fileOffset).description }
  return text
}
