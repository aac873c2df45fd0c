import Guests
import PageTables

/// What all spaces use, refer to, and have that a person should look at: half of an index.
struct UseOfSpaces {
  /// By space number.
  let memory: [SpaceMemory]
  /// Every space reference, and the number of the space that has it.
  let references: [(spaceNumber: Int, mapping: SpaceReferenceMapping)]
  let hasAllReferences: Bool
  let findings: [Finding]
  let hasAllFindings: Bool
  /// There, all that is writable is executable, and no finding says so.
  let schemesWithoutNoExecute: [PagingScheme]
  let schemesWithAllExecutable: [PagingScheme]

  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the address space begins in a paging scheme.
  ///   - names: what tells places in swap space, where a guest does.
  ///   - referenceLimit: space references that are kept at most.
  ///   - progress: gets the part that is done, 0 to 1; answering false ends the work with nil.
  init?(
    _ index: SpaceIndex, _ census: SpaceCensus, memory: any PhysicalMemory,
    kernelStart: (PagingScheme) -> VirtualAddress, names: GuestNames?, referenceLimit: Int,
    progress: (Double) -> Bool
  ) {
    let use = index.memoryOfSpaces(
      in: memory, isWanted: { !census.stale.contains($0) }, swapTest: SwapEntries(names?.guest).test,
      progress: { progress(0.5 * $0) })
    guard let use else { return nil }
    self.memory = use
    guard
      let found = Self.references(
        index.spaces, memory, limit: referenceLimit, isCancelled: { !progress(0.5) })
    else { return nil }
    (references, hasAllReferences) = found
    // What tables of a process that ended say is no finding, and accuses nobody else.
    let kept = index.spaces.indices.filter { !census.stale.contains($0) }
    guard
      let sound = kept.count == index.spaces.count
        ? index
        : SpaceIndex(kept.map { index.spaces[$0] }, memory: memory, progress: { _ in progress(0.8) })
    else { return nil }
    let look = Findings(of: sound, in: memory, kernelStart: kernelStart, isCancelled: { !progress(0.9) })
    findings = look.all.map { finding in
      var finding = finding
      finding.spaceNumber = kept[finding.spaceNumber]
      return finding
    }
    hasAllFindings = look.isComplete
    schemesWithoutNoExecute = look.schemesWithoutNoExecute
    schemesWithAllExecutable = look.schemesWithAllExecutable
    guard progress(1) else { return nil }
  }

  private static func references(
    _ spaces: [AddressSpace], _ memory: any PhysicalMemory, limit: Int, isCancelled: () -> Bool
  ) -> (all: [(spaceNumber: Int, mapping: SpaceReferenceMapping)], isComplete: Bool)? {
    var found: [(spaceNumber: Int, mapping: SpaceReferenceMapping)] = []
    var isStopped = false
    var isComplete = true
    _ = forEachSpaceItem(
      of: spaces, in: memory,
      isCancelled: {
        isStopped = isStopped || isCancelled()
        return isStopped
      }
    ) { spaceNumber, item in
      guard case .reference(let mapping, _, _) = item else { return true }
      isComplete = found.count < limit
      if isComplete { found.append((spaceNumber, mapping)) }
      return isComplete
    }
    return isStopped ? nil : (found.sorted { $0.spaceNumber < $1.spaceNumber }, isComplete)
  }
}
