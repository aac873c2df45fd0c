import PageTables

extension LinuxGuest {
  /// What the guest uses a frame for; nil where its page array cannot be read, or does not cover the frame.
  public func frameUse(of frame: PhysicalAddress) -> FrameUse? { nil }
}
