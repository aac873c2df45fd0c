import PageTables

/// The symbols of a kernel and its modules: by name, and by address.
///
/// All names are stored in one buffer; names come from the guest and are untrusted text.
package struct KernelSymbols: Sendable {
  /// A symbol that covers an address.
  package struct Place: Hashable, Sendable {
    package let name: String
    /// Bytes from the symbol's start.
    package let offset: UInt64
    /// Bytes to the next symbol; nil for the last one.
    package let size: UInt64?
    /// The module that it belongs to; nil for the kernel itself.
    package let module: String?
    /// As `nm` prints it: `T` global text, `d` local data, …
    package let kind: Character
  }

  private var addresses: [UInt64] = []
  private var kinds: [UInt8] = []
  /// 0 for the kernel, otherwise an index into `moduleNames` plus 1.
  private var modules: [UInt16] = []
  private var nameStarts: [UInt32] = []
  private var nameLengths: [UInt16] = []
  private var storage: [UInt8] = []
  private var moduleNames: [String] = []
  /// Where the parts of a module end: the last symbol of a part has no next one.
  private var ends: [UInt64] = []
  /// The addresses, ascending, of symbols after which others are missing, so that it is unknown how far they
  /// extend.
  private var gaps: [UInt64] = []
  /// All symbols, grouped by the bucket of their name, in ascending order within a bucket; where each bucket
  /// starts, and one past the last one's end.
  private var bucketSymbols: [UInt32] = []
  private var bucketStarts: [UInt32] = []
  /// The kernel's `_end`.
  private var imageEnd: UInt64?

  /// The most symbols accepted; a kernel has about 200,000.
  static let limit = 1 << 20
  /// No symbol of a kernel is longer: an address further from the symbol's start belongs to nothing known.
  private static let symbolSizeLimit: UInt64 = 16 << 20
  private static let nameLimit = 512
  private static let storageLimit = 1 << 26

  init() {}

  package var count: Int { addresses.count }

  // MARK: Building

  /// Reserves room for more symbols.
  mutating func reserve(_ more: Int) {
    let count = min(addresses.count + more, KernelSymbols.limit)
    addresses.reserveCapacity(count)
    kinds.reserveCapacity(count)
    modules.reserveCapacity(count)
    nameStarts.reserveCapacity(count)
    nameLengths.reserveCapacity(count)
    storage.reserveCapacity(storage.count + more * 24)
  }

  /// Adds a symbol, its name given as bytes in `storage` order; ignores what exceeds the limits.
  mutating func append(address: UInt64, kind: UInt8, name: some Collection<UInt8>, module: Int = 0) {
    guard addresses.count < KernelSymbols.limit, storage.count < KernelSymbols.storageLimit else { return }
    let start = storage.count
    storage.append(contentsOf: name)
    finishName(from: start, address: address, kind: kind, module: module)
  }

  /// Adds a symbol whose name `write` appends to the storage; the first byte is the kind.
  mutating func append(address: UInt64, _ write: (inout [UInt8]) -> Void) {
    guard addresses.count < KernelSymbols.limit, storage.count < KernelSymbols.storageLimit else { return }
    let start = storage.count
    write(&storage)
    guard storage.count > start else { return }
    finishName(from: start + 1, address: address, kind: storage[start], module: 0)
  }

  /// Records that a symbol is missing after the one added last.
  mutating func noteGap() {
    let last = addresses.last ?? 0
    if gaps.last != last { gaps.append(last) }
  }

  private mutating func finishName(from start: Int, address: UInt64, kind: UInt8, module: Int) {
    let length = storage.count - start
    guard length > 0, length <= KernelSymbols.nameLimit else {
      storage.removeSubrange(start...)
      return
    }
    addresses.append(address)
    kinds.append(kind)
    modules.append(UInt16(clamping: module))
    nameStarts.append(UInt32(clamping: start))
    nameLengths.append(UInt16(clamping: length))
  }

  /// Registers a module for `append`; returns its number.
  mutating func addModule(_ name: String, ends: [UInt64]) -> Int {
    guard moduleNames.count < Int(UInt16.max) - 1 else { return 0 }
    moduleNames.append(name)
    self.ends += ends
    return moduleNames.count
  }

  /// Records that a module's last symbol before an address ends there.
  mutating func addEnd(_ address: UInt64) { ends.append(address) }

  /// Sorts by address and indexes the names. Symbols with the same address keep the order that they have in
  /// kallsyms.
  mutating func finish() {
    if !zip(addresses, addresses.dropFirst()).allSatisfy({ $0 <= $1 }) {
      let order = addresses.indices.sorted { (addresses[$0], $0) < (addresses[$1], $1) }
      addresses = order.map { addresses[$0] }
      kinds = order.map { kinds[$0] }
      modules = order.map { modules[$0] }
      nameStarts = order.map { nameStarts[$0] }
      nameLengths = order.map { nameLengths[$0] }
    }
    ends.sort()
    gaps.sort()
    sortNames()
    imageEnd = address(of: "_end")
  }

  /// Groups all symbols by the bucket of their name: first counts, then fills. Local names repeat hundreds of
  /// times, and would form long chains in an open-addressing table.
  private mutating func sortNames() {
    var size = 16
    while size < addresses.count { size *= 2 }
    bucketStarts = [UInt32](repeating: 0, count: size + 1)
    let buckets = addresses.indices.map { index in
      let start = Int(nameStarts[index])
      let name = storage[start..<start + Int(nameLengths[index])]
      return Int(truncatingIfNeeded: KernelSymbols.hash(name)) & (size - 1)
    }
    for bucket in buckets { bucketStarts[bucket + 1] += 1 }
    for bucket in 0..<size { bucketStarts[bucket + 1] += bucketStarts[bucket] }
    bucketSymbols = [UInt32](repeating: 0, count: addresses.count)
    var next = bucketStarts
    for (index, bucket) in buckets.enumerated() {
      bucketSymbols[Int(next[bucket])] = UInt32(index)
      next[bucket] += 1
    }
  }

  /// FNV-1a (Fowler, Noll, Vo): suitable for short names; no seed needed.
  private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ hash >> 32
  }

  /// Whether the addresses ascend, apart from those at the bottom (per-CPU offsets).
  var isAscending: Bool {
    zip(addresses, addresses.dropFirst()).allSatisfy { $0 <= $1 }
  }

  /// The address at an index.
  func address(at index: Int) -> UInt64 { addresses[index] }

  // MARK: Queries

  /// The addresses of all symbols with that name, in ascending order: local symbols need not be unique.
  package func addresses(of name: String) -> [UInt64] {
    guard !bucketStarts.isEmpty else { return [] }
    let bytes = Array(name.utf8)
    let bucket = Int(truncatingIfNeeded: KernelSymbols.hash(bytes)) & (bucketStarts.count - 2)
    let symbols = bucketSymbols[Int(bucketStarts[bucket])..<Int(bucketStarts[bucket + 1])]
    return symbols.compactMap { symbol in
      let index = Int(symbol)
      let start = Int(nameStarts[index])
      let isSame =
        nameLengths[index] == bytes.count && storage[start..<start + bytes.count].elementsEqual(bytes)
      return isSame ? addresses[index] : nil
    }
  }

  /// The address of a symbol; if several have the name, that of the kernel itself with the lowest address.
  package func address(of name: String) -> UInt64? { addresses(of: name).first }

  /// Names that begin with a text, each once, in alphabetical order; at most `limit` of them.
  package func names(startingWith text: String, limit: Int) -> [String] {
    let bytes = Array(text.utf8)
    var found: Set<String> = []
    for index in addresses.indices where Int(nameLengths[index]) >= bytes.count {
      let start = Int(nameStarts[index])
      guard storage[start..<start + bytes.count].elementsEqual(bytes) else { continue }
      found.insert(name(index))
      if found.count == limit { break }
    }
    return found.sorted()
  }

  /// Name, kind and address of the symbol at an index; symbols are ordered by address.
  package func symbol(at index: Int) -> (name: String, kind: Character, address: UInt64) {
    precondition(addresses.indices.contains(index), "symbols are indexed below their count")
    return (name(index), Character(Unicode.Scalar(kinds[index])), addresses[index])
  }

  /// The symbol that covers an address: the last one at or below it; if several start there, the one that the
  /// kernel itself uses, which is the first in its table.
  package func place(of address: UInt64) -> Place? {
    let last = addresses.partitioningIndex { $0 > address } - 1
    guard last >= 0 else { return nil }
    let start = addresses[last]
    let first = addresses.partitioningIndex { $0 >= start }
    let size = self.size(from: start, module: modules[first], after: last)
    let offset = address &- start
    // It is unknown how far the last one extends.
    if offset > 0, size.map({ offset >= $0 }) ?? true { return nil }
    // No symbol covers anything after the image's end, or after the per-CPU offsets at the bottom.
    if offset >= KernelSymbols.symbolSizeLimit || (offset > 0 && start == imageEnd) { return nil }
    return Place(
      name: name(first), offset: offset, size: size,
      module: modules[first] == 0 ? nil : moduleNames[Int(modules[first]) - 1],
      kind: Character(Unicode.Scalar(kinds[first])))
  }

  /// `name+0x1f/0x80`, as the kernel prints an address, with the module in brackets.
  package func describe(_ address: UInt64) -> String? {
    guard let place = place(of: address) else { return nil }
    var text = place.name + "+0x" + String(place.offset, radix: 16)
    if let size = place.size { text += "/0x" + String(size, radix: 16) }
    if let module = place.module { text += " [" + module + "]" }
    return text
  }

  private func size(from start: UInt64, module: UInt16, after last: Int) -> UInt64? {
    let gap = gaps.partitioningIndex { $0 >= start }
    if gap < gaps.count, gaps[gap] == start { return nil }
    var next = last + 1 < addresses.count ? addresses[last + 1] : nil
    if module != 0, let end = firstEnd(after: start), next.map({ end < $0 }) ?? true { next = end }
    return next.map { $0 &- start }
  }

  private func firstEnd(after address: UInt64) -> UInt64? {
    let index = ends.partitioningIndex { $0 > address }
    return index < ends.count ? ends[index] : nil
  }

  private func name(_ index: Int) -> String { String(decoding: letters(at: index), as: UTF8.self) }

  /// The name of the symbol at an index, in UTF-8.
  package func letters(at index: Int) -> ArraySlice<UInt8> {
    let start = Int(nameStarts[index])
    return storage[start..<start + Int(nameLengths[index])]
  }

  /// Whether that name begins with a text in lower case, whatever its own case.
  func begins(at index: Int, with text: [UInt8]) -> Bool {
    let start = Int(nameStarts[index])
    guard Int(nameLengths[index]) >= text.count else { return false }
    return text.indices.allSatisfy { EditDistance.lowercased(storage[start + $0]) == text[$0] }
  }

  /// How long that name is, in bytes.
  func nameLength(at index: Int) -> Int { Int(nameLengths[index]) }

  /// The kind of the symbol at an index, in ASCII.
  func kind(at index: Int) -> UInt8 { kinds[index] }
}
