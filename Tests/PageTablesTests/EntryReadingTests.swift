import PageTables
import Testing

@Suite struct EntryReadingTests {
  private static let bytes: [UInt8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]

  /// Little-endian, and nothing of what stands behind.
  @Test(arguments: [
    (1, 0x11), (2, 0x2211), (3, 0x33_2211), (4, 0x4433_2211), (5, 0x55_4433_2211), (6, 0x6655_4433_2211),
    (7, 0x77_6655_4433_2211), (8, 0x8877_6655_4433_2211 as UInt64),
  ])
  func aValueHasAsManyBytesAsAreAskedFor(_ size: Int, _ value: UInt64) {
    #expect(Self.bytes.span.bytes.entry(at: 0, size: size) == value)
  }

  @Test func theLastBytesAreReadWithoutThoseBehindThem() {
    #expect(Self.bytes.span.bytes.entry(at: 6, size: 2) == 0x8877)
    #expect(Self.bytes.span.bytes.entry(at: 7, size: 1) == 0x88)
  }
}
