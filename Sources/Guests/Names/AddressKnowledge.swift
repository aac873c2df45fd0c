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
