extension WritableMemory {
  /// Writes the purpose of frames at their starts, for people who look at their bytes.
  func label(_ frames: [Frame], _ text: String) throws(SimulationError) {
    var writes: [EntryWrite] = []
    for (index, frame) in frames.enumerated() {
      let bytes = Array("\(text), page \(index)".utf8)
      for start in stride(from: 0, to: bytes.count, by: 8) {
        let word = bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0 as UInt64) {
          $0 << 8 | UInt64($1)
        }
        writes.append(EntryWrite(word, size: 8, at: frame.start.advanced(by: UInt64(start))))
      }
    }
    do throws(MissingPage) {
      try write(writes)
    } catch {
      throw .writing(.missingTable(frames.first?.start ?? PhysicalAddress(0), error))
    }
  }
}
