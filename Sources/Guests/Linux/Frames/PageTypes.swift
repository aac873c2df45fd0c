import PageTables

/// How a page descriptor states the type of a page that nothing maps: in the field that otherwise counts mappings
/// (`include/linux/page-flags.h` of the kernel).
///
/// At first a type was a cleared bit in a number below -1; since 6.12 it is the number's top byte. The tests cover
/// either form.
struct PageTypes: Hashable, Sendable {
  var buddy: BitTest = .never
  var table: BitTest = .never
  var slab: BitTest = .never
  var hugetlb: BitTest = .never

  /// Numbers from here on are not counts of mappings.
  static let lowest: UInt64 = 0x8000_0000
  private static let topByte: UInt64 = 0xff00_0000
  /// A page that is not mapped and has no type.
  static let none: UInt64 = 0xffff_ffff

  /// Derives the types from type information and VMCOREINFO.
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

  /// The test for all descriptors that have the same type as one with this number.
  static func test(_ number: UInt64) -> BitTest {
    guard number >= lowest, number < none else { return .never }
    if number & ~topByte == 0 { return BitTest(mask: topByte, value: number) }
    // The remaining top bits of the number show that it is a type at all.
    let bit = none & ~number
    let base: UInt64 = bit >= 0x1000_0000 ? 0x8000_0000 : 0xf000_0000
    return BitTest(mask: base | bit, value: base)
  }

  /// The test for the type that most of the given descriptors share; used for tables, of which every process
  /// provides samples.
  ///
  /// - Parameter numbers: from descriptors of one type, some of which may have been reused.
  static func common(_ numbers: [UInt64]) -> BitTest {
    var counts: [UInt64: Int] = [:]
    for number in numbers { counts[number, default: 0] += 1 }
    guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
      most.value >= 3, most.value * 4 >= numbers.count * 3
    else { return .never }
    return test(most.key)
  }
}
