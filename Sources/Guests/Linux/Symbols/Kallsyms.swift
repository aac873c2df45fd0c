import PageTables

/// Where the parts of the kernel's symbol table lie (the kernel's `scripts/kallsyms.c` writes them).
struct KallsymsAddresses: Hashable, Sendable {
  var count: UInt64
  var names: UInt64
  var tokenTable: UInt64
  var tokenIndex: UInt64
  var positions: Positions

  /// How the addresses of symbols are stored.
  enum Positions: Hashable, Sendable {
    /// 32-bit offsets, and the base that they are relative to.
    case relative(offsets: UInt64, base: UInt64)
    /// 32-bit signed distances from their own location, since 7.0.
    case selfRelative(UInt64)
    /// Full addresses.
    case absolute(UInt64)
  }

  init(count: UInt64, names: UInt64, tokenTable: UInt64, tokenIndex: UInt64, positions: Positions) {
    self.count = count
    self.names = names
    self.tokenTable = tokenTable
    self.tokenIndex = tokenIndex
    self.positions = positions
  }

  /// The addresses in VMCOREINFO; nil where one is missing.
  init?(_ info: Vmcoreinfo) {
    let symbols = info.symbols
    guard let count = symbols["kallsyms_num_syms"], let names = symbols["kallsyms_names"],
      let tokenTable = symbols["kallsyms_token_table"], let tokenIndex = symbols["kallsyms_token_index"]
    else { return nil }
    if let offsets = symbols["kallsyms_offsets"] {
      positions =
        symbols["kallsyms_relative_base"].map { .relative(offsets: offsets, base: $0) }
        ?? .selfRelative(offsets)
    } else if let addresses = symbols["kallsyms_addresses"] {
      positions = .absolute(addresses)
    } else {
      return nil
    }
    self.count = count
    self.names = names
    self.tokenTable = tokenTable
    self.tokenIndex = tokenIndex
  }
}

/// Decodes the kernel's symbol table: each name is a sequence of tokens, each of which stands for one of 256 pieces
/// of text.
///
/// If parts of it are corrupt, the rest is kept: of the names, those blocks whose start and end agree with the
/// table's markers; of the addresses, those that ascend, as they all do in every kernel.
struct Kallsyms {
  private let tokens: KallsymsTokens
  private let names: [UInt8]
  private let blocks: KallsymsBlocks
  private let addresses: [UInt64?]

  /// The most bytes of compressed names; a kernel has about 2 MiB.
  private static let namesLimit = 32 << 20
  /// The number of places in one page of the table where addresses may fail to ascend; with more the page is noise.
  private static let descentLimit = 8
  /// The most symbols that may share the address for which an entry of 0 stands.
  private static let blankLimit = 64

  /// The number of symbols according to the table itself.
  var count: Int { addresses.count }

  /// Reads the parts; nil where they cannot be read or contradict each other.
  init?(_ place: KallsymsAddresses, _ reader: GuestMemoryReader) {
    guard let count = reader.unsigned(at: place.count, size: 4).map(Int.init), count > 0,
      count <= KernelSymbols.limit, let tokens = KallsymsTokens(place, reader),
      let addresses = Kallsyms.addresses(place.positions, count: count, reader)
    else { return nil }
    // The token table follows the names in every layout; each name takes at least its length byte and a kind.
    let room = place.tokenTable > place.names ? place.tokenTable &- place.names : UInt64(Kallsyms.namesLimit)
    guard room >= UInt64(count * 2) else { return nil }
    let names = Kallsyms.bytes(at: place.names, count: Int(min(room, UInt64(Kallsyms.namesLimit))), reader)
    guard let blocks = KallsymsBlocks(names, count: count, tokens) else { return nil }
    self.tokens = tokens
    self.names = names
    self.blocks = blocks
    self.addresses = addresses
  }

  /// All symbols that can be read, not yet sorted.
  func symbols() -> KernelSymbols {
    var symbols = KernelSymbols()
    symbols.reserve(addresses.count)
    let names = names.span
    for (block, start) in blocks.starts.enumerated() {
      let indices = block * KallsymsBlocks.size..<min((block + 1) * KallsymsBlocks.size, addresses.count)
      guard var position = start else {
        symbols.noteGap()
        continue
      }
      for index in indices {
        guard let length = Kallsyms.length(names, &position), length <= names.count - position else { break }
        if let address = addresses[index] {
          symbols.append(address: address) { storage in
            for index in position..<position + length { tokens.append(names[index], to: &storage) }
          }
        } else {
          symbols.noteGap()
        }
        position += length
      }
    }
    return symbols
  }

  /// The number of tokens in the next name: seven bits, and eight more in the next byte if the first has its top
  /// bit set (added for long Rust names of more than 127 tokens).
  static func length(_ names: Span<UInt8>, _ position: inout Int) -> Int? {
    guard position < names.count else { return nil }
    var length = Int(names[position])
    position += 1
    if length & 0x80 != 0 {
      guard position < names.count else { return nil }
      length = length & 0x7f | Int(names[position]) << 7
      position += 1
    }
    return length
  }

  /// Bytes of which some pages may be missing: those are filled with 0, which begins no name.
  private static func bytes(at address: UInt64, count: Int, _ reader: GuestMemoryReader) -> [UInt8] {
    if let whole = reader.bytes(at: address, count: count) { return whole }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      let next = address &+ UInt64(result.count)
      let length = min(Int(Frame.size - next & (Frame.size - 1)), count - result.count)
      result += reader.bytes(at: next, count: length) ?? [UInt8](repeating: 0, count: length)
    }
    return result
  }

  private static func addresses(
    _ positions: KallsymsAddresses.Positions, count: Int, _ reader: GuestMemoryReader
  ) -> [UInt64?]? {
    switch positions {
    case .absolute(let table):
      let size = reader.pointerSize
      let bytes = bytes(at: table, count: count * size, reader)
      let span = bytes.span.bytes
      let addresses = (0..<count).map { span.entry(at: $0 * size, size: size) }
      return ascending(addresses, table: table, size: size, isBlank: { addresses[$0] == 0 })
    case .selfRelative(let table):
      let bytes = bytes(at: table, count: count * 4, reader)
      let span = bytes.span.bytes
      let mask: UInt64 = reader.pointerSize == 4 ? 0xffff_ffff : .max
      let addresses = (0..<count).map { index in
        let distance = Int32(truncatingIfNeeded: span.entry(at: index * 4, size: 4))
        return (table &+ UInt64(index * 4) &+ UInt64(bitPattern: Int64(distance))) & mask
      }
      // Entries of 0 ascend because of their locations.
      return ascending(addresses, table: table, size: 4, isBlank: { span.entry(at: $0 * 4, size: 4) == 0 })
    case .relative(let table, let baseAddress):
      guard let base = reader.pointer(at: baseAddress) else { return nil }
      let bytes = bytes(at: table, count: count * 4, reader)
      let span = bytes.span.bytes
      let offsets = (0..<count).map { Int32(truncatingIfNeeded: span.entry(at: $0 * 4, size: 4)) }
      // Kernels that store per-CPU symbols as plain values store all others as negative numbers, counting down from
      // -1.
      let countsDown = offsets.count(where: { $0 < 0 }) > count / 2
      let mask: UInt64 = reader.pointerSize == 4 ? 0xffff_ffff : .max
      let addresses = offsets.map { offset in
        if !countsDown { return (base &+ UInt64(UInt32(bitPattern: offset))) & mask }
        return offset >= 0 ? UInt64(offset) : (base &- 1 &- UInt64(bitPattern: Int64(offset))) & mask
      }
      return ascending(addresses, table: table, size: 4, isBlank: { offsets[$0] == 0 })
    }
  }

  /// The addresses, except those in a page that is missing or noise, or next to a place where they do not ascend.
  ///
  /// - Parameter isBlank: whether an entry is 0.
  private static func ascending(
    _ addresses: [UInt64], table: UInt64, size: Int, isBlank: (Int) -> Bool
  ) -> [UInt64?]? {
    var result: [UInt64?] = addresses
    var start = 0
    var last: (index: Int, address: UInt64)?
    while start < addresses.count {
      let place = table &+ UInt64(start * size)
      let end = min(addresses.count, start + max(1, Int(Frame.size - place & (Frame.size - 1)) / size))
      defer { start = end }
      let descents = (start + 1..<max(end, start + 1)).filter { addresses[$0] < addresses[$0 - 1] }
      // A page of zeroes, from the dump or filled in here, would put all its symbols at one address.
      let isAllBlank = end - start > blankLimit && isBlank(start) && isBlank(end - 1)
      let isBehind = last.map { addresses[end - 1] < $0.address } ?? false
      guard descents.count <= descentLimit, !isAllBlank, !isBehind else {
        for index in start..<end { result[index] = nil }
        continue
      }
      for index in descents {
        result[index] = nil
        result[index - 1] = nil
      }
      if let last, addresses[start] < last.address {
        result[start] = nil
        result[last.index] = nil
      }
      last = (end - 1, addresses[end - 1])
    }
    // A table that is mostly noise is rejected.
    return result.count { $0 == nil } * 2 < addresses.count ? result : nil
  }
}

/// The 256 pieces of text that make up names.
struct KallsymsTokens: Sendable {
  private var text: [UInt8]
  private var starts: [Int]

  /// The size of the longest possible table: 256 tokens, each shorter than the longest name.
  static let tableLimit = 1 << 14
  /// The most bytes in a token, including its terminating 0.
  static let longest = 64
  /// `nm`'s letters for kinds, in lower case.
  private static let kinds = Array("abcdginprstuvw".utf8)

  init?(_ place: KallsymsAddresses, _ reader: GuestMemoryReader) {
    guard let index = reader.bytes(at: place.tokenIndex, count: 512) else { return nil }
    let offsets = (0..<256).map { Int(index[$0 * 2]) | Int(index[$0 * 2 + 1]) << 8 }
    guard let table = reader.readable(at: place.tokenTable, limit: KallsymsTokens.tableLimit) else {
      return nil
    }
    self.init(table: table, offsets: offsets)
  }

  /// Nil unless every offset is the start of a text that ends with 0 inside the table.
  init?(table: [UInt8], offsets: [Int]) {
    guard offsets.count == 256 else { return nil }
    text = []
    starts = []
    for offset in offsets {
      guard offset < table.count else { return nil }
      let rest = table[offset..<min(table.count, offset + KallsymsTokens.longest)]
      guard let end = rest.firstIndex(of: 0) else { return nil }
      starts.append(text.count)
      text += table[offset..<end]
    }
    starts.append(text.count)
  }

  /// Whether a name may start with this token: whether it starts with one of `nm`'s letters for kinds.
  func isKind(_ token: UInt8) -> Bool {
    let start = starts[Int(token)]
    guard start < starts[Int(token) + 1] else { return false }
    return KallsymsTokens.kinds.contains(text[start] | 0x20)
  }

  @inline(__always)
  func append(_ token: UInt8, to storage: inout [UInt8]) {
    for index in starts[Int(token)]..<starts[Int(token) + 1] { storage.append(text[index]) }
  }
}
