import Foundation
import Records
import Testing

/// What text from a dump becomes in records.
@Suite struct RecordTextTests {
  /// Unicode 16.0, DerivedGeneralCategory: controls and format characters; and the separators of lines.
  private static let dangerous: [UInt32] = [
    0x00, 0x1b, 0x7f, 0x9b, 0xad, 0x600, 0x61c, 0x6dd, 0x70f, 0x180e, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029,
    0x202a,
    0x202e, 0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0xfeff, 0xfff9, 0xfffa, 0xfffb, 0x110bd, 0x1bca0, 0x1d173,
    0xe0001,
    0xe0020, 0xe007f,
  ]

  @Test(arguments: dangerous) func whatSteersATerminalIsEscapedInJSON(_ value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let text = "a\(scalar)b"
    var line = JSONLine()
    line.object { $0.field("name", text) }
    // RFC 8259, section 7: in ASCII, beyond U+FFFF as two halves; it reads back as what it was.
    #expect(line.bytes.allSatisfy { $0 < 0x80 && ($0 >= 0x20 || $0 == 0x0a) })
    let read = try JSONSerialization.jsonObject(with: Data(line.bytes)) as? [String: String]
    #expect(read?["name"]?.unicodeScalars.map(\.value) == [0x61, value, 0x62])
    #expect(printable(text) == "a?b")
  }

  @Test func whatIsDrawnGoesOutAsItIs() {
    let text = "naïve \"日本\" \\ नि 👍"
    var line = JSONLine()
    line.object { $0.field("name", text) }
    #expect(
      String(decoding: line.bytes, as: UTF8.self) == "{\"name\":\"naïve \\\"日本\\\" \\\\ नि 👍\"}\n")
    #expect(printable(text) == text)
  }

  /// Unicode Standard Annex #11: W and F take two cells, combining marks none.
  @Test(arguments: [
    ("abc", 3), ("日本", 4), ("ｆ", 2), ("e\u{301}\u{302}", 1), ("한", 2), ("\u{1112}\u{1161}\u{11ab}", 2),
    ("👍", 2), ("é", 1),
  ])
  func columnsAlignByWhatTerminalsShow(_ text: String, _ width: Int) {
    let columns = [Column("A", width: 6), Column("B", width: 1)]
    #expect(Column.line([text, "|"], columns) == text + String(repeating: " ", count: 6 - width) + "  |")
    let right = [Column("A", width: 6, rightAligned: true), Column("B", width: 1)]
    #expect(Column.line([text, "|"], right) == String(repeating: " ", count: 6 - width) + text + "  |")
  }
}
