/// The results of checking all tables: rights that should not exist, and entries that make no sense.
public struct Findings: Sendable {
  /// By kind, space and address; adjacent findings that report the same are joined.
  public private(set) var all: [Finding] = []
  /// The paging schemes in which no entry can forbid execution. There all writable memory is executable, so
  /// `writableExecutable` is never reported.
  public private(set) var schemesWithoutNoExecute: [PagingScheme] = []
  /// The paging schemes in which entries can forbid users execution, and none of these tables does. There all that users
  /// may write they may execute, as 32-bit programs of Linux often may.
  public private(set) var schemesWithAllExecutable: [PagingScheme] = []
  /// The paging schemes whose settings let the supervisor write read-only pages. There whatever the supervisor may
  /// execute it may also write.
  public private(set) var schemesWithoutWriteProtection: [PagingScheme] = []
  /// Whether the check was exhaustive: hostile tables can hold more findings than can be listed.
  public private(set) var isComplete = true

  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the address space begins in a paging scheme.
  ///   - isCancelled: polled during the check; returning true ends it early, and the result is then incomplete.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, kernelStart: (PagingScheme) -> VirtualAddress,
    isCancelled: () -> Bool = { false }
  ) {
    let memory = memory.moment()
    let tables = index.groups.flatMap(\.framesOfTables).sorted()
    for group in index.groups {
      if !group.graph.scheme.canForbidExecution { schemesWithoutNoExecute.append(group.graph.scheme) }
      if group.graph.scheme.supervisorWritesReadOnly {
        schemesWithoutWriteProtection.append(group.graph.scheme)
      }
      var search = FindingSearch(group, memory, tables: tables, kernelStart: kernelStart(group.graph.scheme))
      search.run(isCancelled)
      isComplete = isComplete && search.isComplete
      if search.isComplete, search.hasUserLeaves, !search.forbidsUsersExecution,
        group.graph.scheme.canForbidExecution
      {
        schemesWithAllExecutable.append(group.graph.scheme)
      }
      all += search.found
    }
    all = Findings.joined(all)
  }

  private static func joined(_ findings: [Finding]) -> [Finding] {
    let order = Dictionary(
      uniqueKeysWithValues: Finding.Kind.allCases.enumerated().map { ($0.element, $0.offset) })
    let sorted = findings.sorted { one, other in
      (order[one.kind] ?? 0, one.spaceNumber, one.virtual) < (
        order[other.kind] ?? 0, other.spaceNumber, other.virtual
      )
    }
    var joined: [Finding] = []
    for finding in sorted {
      if let last = joined.last, last.isContinued(by: finding) {
        joined[joined.count - 1].length &+= finding.length
      } else {
        joined.append(finding)
      }
    }
    return joined
  }
}
