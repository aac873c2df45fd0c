import Foundation
import PageTables

/// A sample of a machine that is none of x86's: a capture, and what the guest and QEMU said about it.
package struct OtherGuestTruth: Sendable, CustomStringConvertible {
  package let name: String
  package let schemeName: String
  /// Kernel threads have no root; these are the processes, by what the guest calls them.
  package static let all = [
    OtherGuestTruth(name: "linux-aarch64", schemeName: "aarch64-4k"),
    OtherGuestTruth(name: "linux-riscv64", schemeName: "riscv-sv57"),
  ]

  package var description: String { name }
  package var hasTwoWindows: Bool { schemeName.hasPrefix("aarch64") }
  package var capturePath: String { "\(folder)/\(name).elf" }
  /// Where the kernel's half begins: both have it where the sign bit is set.
  package static let kernelStart: UInt64 = 1 << 63

  private var folder: String {
    ProcessInfo.processInfo.environment["PAGEWALK_SAMPLES"] ?? GuestTruth.samplesFolder
  }

  /// A process, and its root tables as the CPU's registers had them: of its own window, and of the kernel's where that
  /// has another.
  package struct Root: Sendable {
    package let pid: Int
    package let name: String
    package let lower: UInt64
    package let upper: UInt64?
  }

  /// A page of a user process, as the guest's kernel tells it.
  package struct Page: Hashable, Sendable {
    package let pid: Int
    package let va: UInt64
    package let frame: UInt64
    package let isSwapped: Bool
  }

  /// A region of a user process.
  package struct Region: Hashable, Sendable {
    package let pid: Int
    package let start: UInt64
    package let end: UInt64
    package let permissions: String
    package let name: String
  }

  /// A stretch of leaves that QEMU walked; root nil is what all roots have in common, or what it did not say.
  package struct Block: Hashable, Sendable {
    package let root: UInt64?
    package let va: UInt64
    package let pa: UInt64
    package let bytes: UInt64
    /// `r`, `w`, `x`, `u`, `g`, `a`, `d`, or `-` for each; empty where QEMU does not say.
    package let flags: String
  }

  package func roots() throws -> [Root] {
    try rows("roots").map { row in
      // TTBR0_EL1 and TTBR1_EL1 have the address in bits 47:1, above it the ASID (Arm ARM); satp has the page's number
      // in bits 43:0 (RISC-V privileged specification).
      let lower = try hex(row[2])
      let address = hasTwoWindows ? lower & 0xffff_ffff_f000 : (lower & 0xfff_ffff_ffff) << 12
      let upper = hasTwoWindows ? try hex(row[3]) & 0xffff_ffff_f000 : nil
      return Root(pid: try decimal(row[0]), name: row[1], lower: address, upper: upper)
    }
  }

  package func pages() throws -> [Page] {
    try rows("pages").flatMap { row in
      let (pid, va, frame) = (try decimal(row[0]), try hex(row[1]), try hex(row[3]))
      return (0..<UInt64(try decimal(row[2]))).map {
        Page(pid: pid, va: va + $0 << 12, frame: frame + $0, isSwapped: row[4].contains("S"))
      }
    }
  }

  package func regions() throws -> [Region] {
    try rows("maps").map {
      Region(
        pid: try decimal($0[0]), start: try hex($0[1]), end: try hex($0[2]), permissions: $0[3], name: $0[4])
    }
  }

  /// What QEMU found: on RISC-V all that each root maps, on AArch64 pages of the kernel and of process 1.
  package func blocks() throws -> [Block] {
    guard !hasTwoWindows else {
      return try rows("gpa").map {
        Block(
          root: nil, va: try hex($0[0]), pa: try hex($0[1]), bytes: UInt64(try decimal($0[2])) << 12,
          flags: "")
      }
    }
    return try rows("blocks").map {
      Block(
        root: $0[0] == "*" ? nil : try hex($0[0]), va: try hex($0[1]), pa: try hex($0[2]),
        bytes: UInt64(try decimal($0[3])), flags: $0[4])
    }
  }

  /// The pages that the CPU reaches, by frame: those of the pagemap without those of a region that forbids all access.
  package func users() throws -> [UInt64: [SharingTruth.UserPage]] {
    let closed = try regions().filter { $0.permissions.hasPrefix("---") }
    var users: [UInt64: [SharingTruth.UserPage]] = [:]
    for page in try pages() where !page.isSwapped {
      guard !closed.contains(where: { $0.pid == page.pid && $0.start <= page.va && page.va < $0.end }) else {
        continue
      }
      users[page.frame, default: []].append(SharingTruth.UserPage(pid: page.pid, va: page.va))
    }
    return users.mapValues { $0.sorted() }
  }

  /// Every table that each root reaches, by address and level, and the roots that reach it; read plainly, by the bits
  /// that tell a table from a leaf and no others.
  package func tables() throws -> [SharingTruth.Table: SharingTruth.Reach] {
    let roots = try roots()
    let reader = try PlainTableReader(self)
    return reader.reach(of: Set(roots.map(\.lower) + roots.compactMap(\.upper)).sorted())
  }

  private func rows(_ kind: String) throws -> [[String]] {
    let text = try String(contentsOfFile: "\(folder)/\(name).\(kind).tsv", encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
  }

  private func hex(_ text: String) throws -> UInt64 {
    guard text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) else {
      throw GuestTruth.BadLine(file: name, line: text)
    }
    return value
  }

  private func decimal(_ text: String) throws -> Int {
    guard let value = Int(text) else { throw GuestTruth.BadLine(file: name, line: text) }
    return value
  }
}
