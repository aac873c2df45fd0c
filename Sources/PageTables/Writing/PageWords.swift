/// The bytes of a page, as little-endian words that can be changed.
struct PageWords: Equatable, Sendable {
  private static let count = Int(Frame.size) / 8

  private var words: [UInt64]

  /// A page of zeroes.
  init() {
    words = Array(repeating: 0, count: PageWords.count)
  }

  /// A copy of a page's bytes.
  init(copying page: RawSpan) {
    precondition(page.byteCount == Int(Frame.size), "a page has as many bytes as a frame")
    words = Array(unsafeUninitializedCapacity: PageWords.count) { target, count in
      page.withUnsafeBytes { UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
      count = PageWords.count
    }
  }

  /// Takes the bytes of a page over.
  mutating func copy(_ page: RawSpan) {
    precondition(page.byteCount == Int(Frame.size), "a page has as many bytes as a frame")
    words.withUnsafeMutableBytes { target in
      page.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }

  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result { body(words.span.bytes) }

  func isSame(as page: RawSpan) -> Bool {
    page.byteCount == Int(Frame.size)
      && words.indices.allSatisfy { words[$0] == page.entry(at: $0 * 8, size: 8).littleEndian }
  }

  /// Stores an entry of 4 or 8 bytes at an offset below 4096; the offset's low bits are ignored.
  mutating func store(_ raw: UInt64, size: Int, at offset: Int) {
    storeEntry(raw, size: size, at: offset, in: &words)
  }
}

/// Stores an entry of 4 or 8 bytes into little-endian words, at a byte offset whose low bits are ignored.
func storeEntry(_ raw: UInt64, size: Int, at offset: Int, in words: inout [UInt64]) {
  let index = offset / 8
  guard size < 8 else {
    words[index] = raw.littleEndian
    return
  }
  let shift: UInt64 = offset & 4 == 0 ? 0 : 32
  let others = UInt64(littleEndian: words[index]) & ~(0xffff_ffff &<< shift)
  words[index] = (others | (raw & 0xffff_ffff) &<< shift).littleEndian
}
