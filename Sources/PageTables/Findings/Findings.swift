/// What a look at all tables finds: rights that nobody should have, and entries that make no sense.
public struct Findings: Sendable {
  /// By kind, space and address; neighbours that say the same are joined.
  public private(set) var all: [Finding] = []
  /// The paging schemes in which no entry can forbid execution: there, writable memory is executable, and
  /// `writableExecutable` is said of none.
  public private(set) var schemesWithoutNoExecute: [PagingScheme] = []
  /// The paging schemes by whose settings the supervisor may write what is read-only: what it may execute it may
  /// write there.
  public private(set) var schemesWithoutWriteProtection: [PagingScheme] = []
  /// Whether everything was looked at: hostile tables hold more findings than anybody could list.
  public private(set) var isComplete = true

  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the address space begins in a paging scheme.
  ///   - isCancelled: asked now and then; answering true ends the look, which is incomplete then.
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
