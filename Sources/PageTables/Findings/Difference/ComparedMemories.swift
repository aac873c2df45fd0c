/// The memory at both moments.
struct ComparedMemories: Sendable {
  let old: any PhysicalMemory
  let new: any PhysicalMemory

  /// Passes the entries of some slots of two tables to `body`, part by part: a table may be part of a page or span
  /// several, and the two need not lie alike in theirs. `body` gets each page with the offset of the first slot's entry,
  /// and the slots, all of which lie in both pages.
  ///
  /// - Returns: false at the first page that cannot be read.
  @inline(__always)
  func forEachPart(
    of old: UInt64, _ new: UInt64, _ level: ComparedLevel, slots: Range<Int>,
    _ body: (
      _ old: RawSpan, _ oldStart: Int, _ new: RawSpan, _ newStart: Int, _ slots: Range<Int>
    ) -> Void
  ) -> Bool {
    var slot = slots.lowerBound
    while slot < slots.upperBound {
      let distance = UInt64(slot &* level.entrySize)
      let oldPlace = PhysicalAddress(old).advanced(by: distance)
      let newPlace = PhysicalAddress(new).advanced(by: distance)
      let (oldStart, newStart) = (oldPlace.offsetInFrame, newPlace.offsetInFrame)
      let room = Int(Frame.size) - max(oldStart, newStart)
      let end = min(slots.upperBound, slot + max(1, room / level.entrySize))
      let last = max(oldStart, newStart) + (end - slot) * level.entrySize
      let isRead =
        (try? self.old.withPage(at: oldPlace) { oldPage in
          (try? self.new.withPage(at: newPlace) { newPage in
            // What reads the entries does not look at the pages' bounds again.
            guard last <= min(oldPage.byteCount, newPage.byteCount) else { return false }
            body(oldPage, oldStart, newPage, newStart, slot..<end)
            return true
          }) ?? false
        }) ?? false
      guard isRead else { return false }
      slot = end
    }
    return true
  }
}
