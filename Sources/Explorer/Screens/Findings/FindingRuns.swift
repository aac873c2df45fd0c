import PageTables

/// Findings as people read them: the most serious kinds first, and what is found at neighbouring addresses of one space
/// as one stretch, whatever the rights of its parts.
struct FindingRuns: Sendable {
  /// Findings of one kind whose addresses follow each other in one space.
  struct Run: Sendable {
    /// By their numbers in the index.
    let findings: Range<Int>
    /// Affected bytes of address space.
    var length: UInt64
    /// How many spaces the part of it that most have is found in.
    var spaces: Int
    /// What its parts allow, each once, in their order; of many, the first.
    var rights: [Rights]
  }

  /// All runs of one kind.
  struct Group: Sendable {
    let kind: Finding.Kind
    /// By their numbers.
    let runs: Range<Int>
    /// Affected bytes of address space.
    let length: UInt64
  }

  private(set) var all: [Run] = []
  private(set) var groups: [Group] = []

  /// Rights that are told of a run at most.
  private static let rightsLimit = 4

  /// - Parameter findings: by kind, space and address, as `Findings` has them.
  init(_ findings: [Finding]) {
    var byKind: [Finding.Kind: [Run]] = [:]
    var start = 0
    while start < findings.count {
      let run = Self.run(from: start, in: findings)
      byKind[findings[start].kind, default: []].append(run)
      start = run.findings.upperBound
    }
    for kind in Finding.Kind.allCases {
      guard let runs = byKind[kind] else { continue }
      let length = runs.reduce(UInt64(0)) { sum, run in
        let (more, isTooMuch) = sum.addingReportingOverflow(run.length)
        return isTooMuch ? .max : more
      }
      groups.append(Group(kind: kind, runs: all.count..<all.count + runs.count, length: length))
      all += runs
    }
  }

  /// The run that begins with a finding.
  private static func run(from start: Int, in findings: [Finding]) -> Run {
    let first = findings[start]
    var (length, spaces, rights) = (first.length, first.spaces, [first.rights])
    var end = start + 1
    while end < findings.count {
      let next = findings[end]
      guard next.kind == first.kind, next.spaceNumber == first.spaceNumber,
        first.virtual.value &+ length == next.virtual.value
      else { break }
      length &+= next.length
      spaces = max(spaces, next.spaces)
      if rights.count < rightsLimit, !rights.contains(next.rights) { rights.append(next.rights) }
      end += 1
    }
    return Run(findings: start..<end, length: length, spaces: spaces, rights: rights)
  }
}

extension Finding.Kind {
  /// What it means, in a few words.
  var meaning: String {
    switch self {
    case .userWritableTable: "users can write a page table"
    case .userKernelMemory: "users can reach the kernel's half"
    case .writableExecutable: "what is written there can be run"
    case .malformedEntry: "the processor refuses them"
    case .toleratedBits: "reserved bits are set, and tolerated"
    case .tableOutsideDump: "what lies below cannot be seen"
    }
  }
}
