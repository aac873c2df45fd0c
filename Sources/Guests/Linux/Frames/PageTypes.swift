import PageTables

/// How a page descriptor says what its page is, where nothing maps it: by a type in the place of the count of
/// mappings (`include/linux/page-flags.h` of the kernel).
///
/// First a type was a bit that is clear in a number below -1; since 6.12 it is the number's top byte. The tests
/// say it either way.
struct PageTypes: Hashable, Sendable {
  var buddy: BitTest = .never
  var table: BitTest = .never
  var slab: BitTest = .never
  var hugetlb: BitTest = .never

  /// Numbers up from here are no count of mappings.
  static let lowest: UInt64 = 0x8000_0000
  private static let topByte: UInt64 = 0xff00_0000
  /// A page that nothing maps, and that has no type.
  static let none: UInt64 = 0xffff_ffff

  /// As far as type information and VMCOREINFO tell.
  init(_ types: TypeInformation?, _ info: Vmcoreinfo?) {
    func test(_ name: String, _ number: String) -> BitTest {
      if let byte = types?.value(of: "PGTY_" + name, in: "pagetype"), (0x80..<0xff).contains(byte) {
        return BitTest(mask: PageTypes.topByte, value: UInt64(byte) << 24)
      }
      if let bit = types?.value(of: "PG_" + name, in: "pagetype") {
        return PageTypes.test(PageTypes.none & ~UInt64(bitPattern: bit))
      }
      return info?.numbers["PAGE_\(number)_MAPCOUNT_VALUE"]
        .map { PageTypes.test(UInt64(UInt32(truncatingIfNeeded: $0))) } ?? .never
    }
    buddy = test("buddy", "BUDDY")
    slab = test("slab", "SLAB")
    hugetlb = test("hugetlb", "HUGETLB")
    table = test("table", "TABLE")
  }

  init() {}

  /// The test that finds all descriptors of the type that this one has.
  static func test(_ number: UInt64) -> BitTest {
    guard number >= lowest, number < none else { return .never }
    if number & ~topByte == 0 { return BitTest(mask: topByte, value: number) }
    // What is left over of the number's top says that there is a type at all.
    let bit = none & ~number
    let base: UInt64 = bit >= 0x1000_0000 ? 0x8000_0000 : 0xf000_0000
    return BitTest(mask: base | bit, value: base)
  }

  /// The type that most of some descriptors have: for tables, which any process shows.
  ///
  /// - Parameter numbers: of descriptors of one type, some of which may have been reused.
  static func common(_ numbers: [UInt64]) -> BitTest {
    var counts: [UInt64: Int] = [:]
    for number in numbers { counts[number, default: 0] += 1 }
    guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
      most.value >= 3, most.value * 4 >= numbers.count * 3
    else { return .never }
    return test(most.key)
  }
}
