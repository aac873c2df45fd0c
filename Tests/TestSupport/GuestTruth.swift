import Foundation
import PageTables

/// A sample: a capture of a real guest, and what the guest and QEMU said about it.
package struct GuestTruth: Sendable, CustomStringConvertible {
  package let name: String
  private let folder: String

  /// All samples. `PAGEWALK_SAMPLES` names another folder with freshly made ones.
  package static let all: [GuestTruth] = [
    "linux-x86_64", "linux-x86_64-pti", "linux-x86_64-la57", "linux-i686", "linux-i686-pae",
  ].map {
    GuestTruth(name: $0, folder: ProcessInfo.processInfo.environment["PAGEWALK_SAMPLES"] ?? samplesFolder)
  }

  /// The folder that the project ships.
  package static let samplesFolder: String = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return tests.deletingLastPathComponent().appendingPathComponent("Samples").path
  }()

  package var description: String { name }
  package var capturePath: String { "\(folder)/\(name).elf" }
  package var schemeName: String {
    switch name {
    case "linux-i686": "x86-32"
    case "linux-i686-pae": "x86-pae"
    case "linux-x86_64-la57": "x86-64-la57"
    default: "x86-64"
    }
  }
  package var hasIsolation: Bool { name.hasSuffix("pti") }

  /// A process, and the root register as the CPU had it.
  package struct Root: Sendable {
    package let pid: Int
    package let name: String
    package let cr3: UInt64
  }

  /// A run of pages with consecutive frames, from the guest's pagemap.
  package struct Pages: Sendable {
    package let pid: Int
    package let va: UInt64
    package let count: UInt64
    package let pfn: UInt64
    package let flags: String
  }

  /// A run of leaves, from QEMU's `info tlb`; root nil is what all kernel-side roots have in common.
  package struct Leaves: Sendable {
    package let root: UInt64?
    package let va: UInt64
    package let pa: UInt64
    package let count: UInt64
    package let pageSize: UInt64
    package let flags: String
  }

  /// A range of equal rights, from QEMU's `info mem`.
  package struct Rights: Sendable {
    package let root: UInt64?
    package let start: UInt64
    package let end: UInt64
    package let flags: String
  }

  package func roots() throws -> [Root] {
    try rows("roots").map { Root(pid: try decimal($0[0]), name: $0[1], cr3: try hex($0[2])) }
  }

  package func pages() throws -> [Pages] {
    try rows("pages").map { row in
      Pages(
        pid: try decimal(row[0]), va: try hex(row[1]), count: UInt64(try decimal(row[2])),
        pfn: try hex(row[3]),
        flags: row[4])
    }
  }

  package func leaves() throws -> [Leaves] {
    try rows("tlb").map { row in
      Leaves(
        root: row[0] == "*" ? nil : try hex(row[0]), va: try hex(row[1]), pa: try hex(row[2]),
        count: UInt64(try decimal(row[3])), pageSize: UInt64(try decimal(row[4])), flags: row[5])
    }
  }

  /// Empty for the guest with 5 levels: `info mem` takes minutes there.
  package func rights() throws -> [Rights] {
    guard FileManager.default.fileExists(atPath: "\(folder)/\(name).mem.tsv") else { return [] }
    return try rows("mem").map { row in
      Rights(
        root: row[0] == "*" ? nil : try hex(row[0]), start: try hex(row[1]), end: try hex(row[2]),
        flags: row[3])
    }
  }

  /// The roots that a process has: the register's address, and under isolation both copies.
  package func rootAddresses(of root: Root) -> [UInt64] {
    let mask: UInt64 = schemeName == "x86-pae" ? ~0x1f : ~0xfff
    let address = root.cr3 & mask
    return hasIsolation ? [address & ~0x1000, address | 0x1000] : [address]
  }

  /// Whether `address` is a user copy under isolation.
  package func isUserCopy(_ address: UInt64) -> Bool { hasIsolation && address & 0x1000 != 0 }

  struct BadLine: Error { let file: String; let line: String }

  private func rows(_ kind: String) throws -> [[String]] {
    let path = "\(folder)/\(name).\(kind).tsv"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
  }

  private func hex(_ text: String) throws -> UInt64 {
    guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else {
      throw BadLine(file: name, line: text)
    }
    return value
  }

  private func decimal(_ text: String) throws -> Int {
    guard let value = Int(text) else { throw BadLine(file: name, line: text) }
    return value
  }
}
