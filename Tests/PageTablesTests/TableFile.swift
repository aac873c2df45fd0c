import Foundation
import PageTables
import TestSupport

/// Reads a table file of the `Tables` folder line by line, writes its entries into a memory, and holds each
/// expectation against the engine and against the naive walker. `Tables/x86-32.txt` explains the format.
struct TableFile {
  /// Each expectation that did not hold, with its line number.
  private(set) var problems: [String] = []
  /// Expectations checked, so that an empty file does not pass.
  private(set) var expectations = 0

  private var memory = TableMemory()
  private var schemeName = ""
  private var upperSchemeName: String?
  private var features = ProcessorFeatures()
  private var rootRegister: UInt64 = 0
  private var upperRootRegister: UInt64?

  init(_ name: String) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Tables")
    let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.split(separator: " ").map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      if let problem = run(words) { problems.append("\(name):\(index + 1): \(line): \(problem)") }
    }
  }

  private mutating func run(_ words: [String]) -> String? {
    let numbers = words.map(TableFile.number)
    switch (words[0], words.count) {
    case ("scheme", 2):
      schemeName = words[1]
      upperSchemeName = nil
    case ("upper-scheme", 2): upperSchemeName = words[1]
    case ("physical-bits", 2): features.physicalAddressBits = Int(words[1]) ?? 0
    case ("c-bit", 2): features.encryptionBit = Int(words[1])
    case ("pse", 2): features.pageSizeExtension = words[1] == "on"
    case ("nx", 2): features.noExecute = words[1] == "on"
    case ("mair", 2): features.memoryAttributes = numbers[1]
    case ("cow", 2): features.copyOnWrite = CopyOnWriteConvention.all.first { $0.name == words[1] }
    case ("cr3", 2), ("ttbr0", 2), ("satp", 2): rootRegister = numbers[1] ?? 0
    case ("ttbr1", 2): upperRootRegister = numbers[1]
    case ("entry", 3):
      guard let address = numbers[1], let value = numbers[2] else { return "bad number" }
      set(address, to: value)
    case ("entries", 5):
      guard let address = numbers[1], let count = numbers[2], let value = numbers[3], let step = numbers[4]
      else { return "bad number" }
      for number in 0..<count { set(address + number * 8, to: value + number * step) }
    case ("map", 5), ("fault", 3):
      guard let virtual = numbers[1] else { return "bad number" }
      expectations += 1
      return check(virtual, words)
    case ("field", 5), ("no-field", 4), ("value", 5), ("range", 5), ("pointer", 4), ("no-pointer", 2):
      guard let virtual = numbers[1] else { return "bad number" }
      guard let space else { return "unknown scheme" }
      expectations += 1
      let answer =
        switch words[0] {
        case "range": range(around: virtual, space)
        case "pointer", "no-pointer": untagged(virtual, space)
        default: field(virtual, words[2], words[3], space, isNamed: words[0] == "value")
        }
      let isOfField = words[0].hasSuffix("field") || words[0] == "value"
      let expected = Array(words.dropFirst(isOfField ? 4 : 2))
      return answer == expected ? nil : "says \(answer)"
    default: return "unknown line"
    }
    return nil
  }

  private mutating func set(_ address: UInt64, to value: UInt64) {
    let size = ["x86-32", "riscv-sv32"].contains(schemeName) ? 4 : 8
    memory.set(table: address & ~0xfff, slot: Int(address & 0xfff) / size, to: value, size: size)
  }

  /// The value of a field of the entry that a walk reads at a level, or its name; empty where there is no such field.
  private func field(
    _ virtual: UInt64, _ level: String, _ name: String, _ space: AddressSpace, isNamed: Bool
  ) -> [String] {
    let translation = space.translate(VirtualAddress(virtual), in: memory)
    let levels = space.windows[translation.window].scheme.levels
    guard let step = translation.steps.first(where: { levels[$0.level].name == level }) else {
      return ["no entry of that level"]
    }
    let field = levels[step.level].fields(of: step.raw).first { $0.name == name }
    guard let field else { return [] }
    let value = field.value(in: step.raw)
    return [isNamed ? field.flag(of: value) : hex(value)]
  }

  /// Where the stretch of equal leaves starts that an address lies in, what it maps there, and its length.
  private func range(around virtual: UInt64, _ space: AddressSpace) -> [String] {
    var found: [String] = []
    _ = space.forEachRange(in: memory) { range in
      let start = range.virtual.value
      guard virtual >= start, virtual - start < range.length else { return virtual >= start }
      found = [hex(start), hex(range.physical.value), hex(range.length)]
      return false
    }
    return found
  }

  private func untagged(_ pointer: UInt64, _ space: AddressSpace) -> [String] {
    space.untagged(VirtualAddress(pointer)).map { found in
      switch found.content {
      case .tag(let tag): [hex(found.address.value), "tag=" + hex(tag)]
      case .authenticationCode: [hex(found.address.value), "code"]
      }
    } ?? []
  }

  private static func number(_ word: String) -> UInt64? {
    word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
  }

  /// What the lines so far make up; nil where a scheme has no such name.
  private var space: AddressSpace? {
    guard let scheme = PagingSchemes.named(schemeName, features),
      let upper = PagingSchemes.named(upperSchemeName ?? schemeName, features)
    else { return nil }
    var windows = [AddressWindow(root: scheme.rootAddress.address(in: rootRegister), scheme: scheme)]
    if let upperRootRegister {
      windows.append(
        AddressWindow(upperRoot: upper.rootAddress.address(in: upperRootRegister), scheme: upper))
    }
    return AddressSpace(name: "", windows: windows)
  }

  private func check(_ virtual: UInt64, _ words: [String]) -> String? {
    guard let space else { return "unknown scheme" }
    let expected = words[0] == "map" ? Array(words.dropFirst(2)) : [words[2]]
    let answers = [
      "translation": translated(virtual, space), "walk": walked(virtual, space),
      "naive walker": naive(virtual, space),
    ]
    for (who, answer) in answers {
      // A walk over leaves says that there is none, not why.
      if who == "walk" && words[0] == "fault" && answer.isEmpty { continue }
      // The naive walker knows windows, not what would hold the root of another.
      if who == "naive walker" && expected == ["no-root"] && answer == ["non-canonical"] { continue }
      if answer != expected { return "\(who) says \(answer)" }
    }
    return nil
  }

  private func translated(_ virtual: UInt64, _ space: AddressSpace) -> [String] {
    switch space.translate(VirtualAddress(virtual), in: memory).outcome {
    case .mapped(let page): [hex(page.physical.value), hex(page.pageSize), letters(page.rights)]
    case .fault(.nonCanonical): ["non-canonical"]
    case .fault(.noRoot): ["no-root"]
    case .fault(.absent): ["absent"]
    case .fault(.marked): ["marked"]
    case .fault(.malformed): ["malformed"]
    case .fault(.tableMissing): ["not-in-dump"]
    }
  }

  private func walked(_ virtual: UInt64, _ space: AddressSpace) -> [String] {
    var found: [String] = []
    let address = VirtualAddress(virtual)
    _ = space.forEachLeaf(in: memory, from: address, through: address) { leaf in
      let size = space.windows[leaf.window].scheme.levels[leaf.level].pageSize(of: leaf.raw)
      let physical = leaf.physical.value + (virtual - leaf.virtual.value)
      found += [hex(physical), hex(size), letters(leaf.rights)]
      return true
    }
    return found
  }

  private func naive(_ virtual: UInt64, _ space: AddressSpace) -> [String] {
    if schemeName.hasPrefix("aarch64") { return naiveArm(virtual, space) }
    let memory = memory
    if schemeName.hasPrefix("riscv") {
      let walker = NaiveRISCVWalker(scheme: schemeName, root: space.root.value) { address, size in
        memory.entry(table: address & ~0xfff, slot: Int(address & 0xfff) / size, size: size)
      }
      let walk = walker.walk(virtual)
      guard let page = walk.page else { return [walk.fault ?? ""] }
      return [hex(page.physical), hex(page.size), letters(page.rights)]
    }
    var walker = NaiveWalker(scheme: schemeName, root: space.root.value) { address, size in
      memory.entry(table: address & ~0xfff, slot: Int(address & 0xfff) / size, size: size)
    }
    walker.physicalAddressBits = features.physicalAddressBits
    walker.encryptionBit = features.encryptionBit
    walker.hasPageSizeExtension = features.pageSizeExtension
    walker.hasNoExecute = features.noExecute
    let walk = walker.walk(virtual)
    guard let page = walk.page else { return [walk.fault ?? ""] }
    var access: Access = []
    if page.isWritable { access.insert(.write) }
    if page.isUser { access.insert(.user) }
    if page.isExecutable { access.insert(.execute) }
    return [hex(page.physical), hex(page.size), letters(Rights(access))]
  }

  private func naiveArm(_ virtual: UInt64, _ space: AddressSpace) -> [String] {
    let memory = memory
    let roots = space.windows.map(\.root.value)
    var walker = NaiveArmWalker(
      lower: NaiveArmWalker.Range(scheme: schemeName, root: roots[0]),
      upper: roots.dropFirst().first.flatMap {
        NaiveArmWalker.Range(scheme: upperSchemeName ?? schemeName, root: $0)
      }
    ) { address in
      memory.entry(table: address & ~0xfff, slot: Int(address & 0xfff) / 8)
    }
    walker.physicalAddressBits = UInt64(features.physicalAddressBits)
    let walk = walker.walk(virtual)
    guard let page = walk.page else { return [walk.fault ?? ""] }
    return [hex(page.physical + (virtual - page.virtual)), hex(page.size), page.rights]
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// What both privileges may: in the short form on x86, where it says all.
  private func letters(_ rights: Rights) -> String {
    guard schemeName.hasPrefix("x86") else {
      let all = zip(0..., "rwxrwx").map { rights.rawValue >> $0 & 1 == 1 ? String($1) : "-" }.joined()
      return all.prefix(3) + "/" + all.suffix(3)
    }
    let access = rights.access
    return "r" + (access.contains(.write) ? "w" : "-") + (access.contains(.execute) ? "x" : "-")
      + (access.contains(.user) ? "u" : "-")
  }
}
