/// What a guest says about one address; each part is nil where it says nothing.
package struct AddressKnowledge: Sendable {
  package var symbol: KernelSymbols.Place?
  package var region: NamedRegion?
  /// What the frame behind the address is used for.
  package var frame: FrameUse?
  /// The meaning of the last entry on the path.
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
