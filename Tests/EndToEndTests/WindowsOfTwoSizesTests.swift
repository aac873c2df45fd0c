import Foundation
import PageTables
import Records
import TestSupport
import Testing

/// AArch64 spaces whose windows have different numbers of levels, and roots of one level alone: 4 KiB granule (Arm ARM,
/// D8.2.6: 39 bits begin at level 1, 48 bits at level 0, 16 bits at level 3).
@Suite struct WindowsOfTwoSizesTests {
  /// Three levels from 0x10000 on with a page and a block of 2 MiB, and four from 0x20000 on with these and 1 GiB.
  private static let image: Data = {
    var bytes = Data(count: 1 << 20)
    // A table descriptor is 0b11; pages and blocks have AF, UXN or PXN (D8.3).
    let (user, kernel): (UInt64, UInt64) = (1 << 53 | 0x743, 1 << 54 | 0x703)
    let entries: [(UInt64, UInt64)] = [
      (0x10000, 0x11003), (0x11000, 0x12003), (0x12000, 0x80000 | user),
      (0x11008, 0x20_0000 | user & ~2),
      (0x20000 + 8 * 511, 0x21003), (0x21000, 0x22003), (0x22000, 0x23003), (0x23000, 0x90000 | kernel),
      (0x22008, 0x20_0000 | kernel & ~2), (0x21008, 0x4000_0000 | kernel & ~2),
    ]
    for (address, raw) in entries {
      for byte in 0..<8 { bytes[Int(address) + byte] = UInt8(truncatingIfNeeded: raw >> UInt64(8 * byte)) }
    }
    return bytes
  }()

  /// The options for a space of both windows, and one of the upper window alone.
  private static func options(_ bits: String, _ lower: String, _ upper: String) -> [String] {
    [
      "--format", "raw", "--paging", "aarch64-4k", "--va-bits", bits, "--root", "proc=\(lower),\(upper)",
      "--root", "k=,\(upper)",
    ]
  }
  private static let kernelIsLarger = options("39,48", "0x10000", "0x20000")
  private static let userIsLarger = options("48,39", "0x20000", "0x10000")

  private static let small: [(offset: UInt64, level: String, size: UInt64)] = [
    (0, "L3", 0x1000), (0x20_0000, "L2", 0x20_0000),
  ]
  private static let large: [(offset: UInt64, level: String, size: UInt64)] =
    [(0, "L3", 0x1000), (0x20_0000, "L2", 0x20_0000), (0x4000_0000, "L1", 0x4000_0000)]

  @Test(arguments: [false, true]) func eachWindowIsReadByItsOwnScheme(_ isUserLarger: Bool) throws {
    let folder = try TemporaryFolder()
    let dump = try folder.write("memory", Self.image)
    let arguments =
      ["map", dump, "--space", "proc"] + (isUserLarger ? Self.userIsLarger : Self.kernelIsLarger)
    // The last 512 GiB that 48 bits translate, of either half.
    let expected =
      isUserLarger
      ? Self.large.map { ($0.offset + 0xff80_0000_0000, $0.level, $0.size) }
        + Self.small.map { ($0.offset + 0xffff_ff80_0000_0000, $0.level, $0.size) }
      : Self.small.map { ($0.offset, $0.level, $0.size) }
        + Self.large.map { ($0.offset + 0xffff_ff80_0000_0000, $0.level, $0.size) }
    let each = try Program.records(MapRecord.self, arguments + ["--each"])
    #expect(each.map(\.va.value) == expected.map(\.0))
    #expect(each.map(\.level) == expected.map(\.1))
    #expect(each.map(\.length) == expected.map(\.2))
    #expect(
      each.map(\.flags.last) == each.map { $0.va.value >> 63 == (isUserLarger ? 0 : 1) ? "UXN" : "PXN" })
    let pages = try Program.records(MapRecord.self, arguments + ["--filter", "4k"])
    #expect(pages.map(\.va.value) == expected.filter { $0.2 == 0x1000 }.map(\.0))
    let huge = try Program.records(MapRecord.self, arguments + ["--filter", "huge"])
    #expect(huge.map(\.va.value) == expected.filter { $0.2 > 0x1000 }.map(\.0))
  }

  @Test func aRangeOfAWindowWithoutRootSaysWhoseItIs() throws {
    let folder = try TemporaryFolder()
    let dump = try folder.write("memory", Self.image)
    let run = try Program.run(
      ["map", dump, "--space", "k", "--range", "0..0x1000"] + Self.kernelIsLarger)
    #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.contains("TTBR0_EL1"), "\(run.errors)")
  }

  @Test func aSchemeOfOneLevelIsScanned() throws {
    let folder = try TemporaryFolder()
    let dump = try folder.write("memory", Self.image)
    let spaces = try Program.run(["spaces", dump, "--format", "raw", "--paging", "aarch64-4k-16"])
    // Whether an entry that leads to a page is a root, nobody can tell; that the search ends can be.
    #expect(spaces.status == 0 || spaces.status == 1, "\(spaces.errors)")
  }
}
