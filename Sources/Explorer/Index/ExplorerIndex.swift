import Guests
import PageTables

/// What indexing all spaces found, ready to be shown: made in the background, handed over in one event.
package struct ExplorerIndex: Sendable {
  /// A space number in it counts the list of spaces that it was made from.
  let spaces: SpaceIndex
  /// Which of these spaces count, and how.
  let census: SpaceCensus
  /// What all have in common, and so steps back.
  let everybodys: EverybodysTables
  /// What some of them share beyond that.
  let shares: [ParticularShare]
  let hasAllShares: Bool
  /// Every space reference, and the number of the space that has it; the particular ones first.
  let references: [(spaceNumber: Int, mapping: SpaceReferenceMapping)]
  /// How many of them are particular.
  let particularReferences: Int
  let mirrors: [Mirror]
  let findings: [Finding]
  /// The same as stretches, by kind.
  let findingRuns: FindingRuns
  /// Whether they are all: hostile tables hold more than anybody could list.
  let hasAllReferences: Bool
  let hasAllMirrors: Bool
  /// What the guest calls both sides of the mirrors, by number; of many, those of the first.
  private let mirrorNames: [MirrorNames]
  let hasAllFindings: Bool
  /// There, all that is writable is executable, and no finding says so.
  let schemesWithoutNoExecute: [PagingScheme]
  let schemesWithAllExecutable: [PagingScheme]
  /// What each space uses, by space number.
  let memory: [SpaceMemory]
  /// Distinct tables, and how many of them more than one space reaches.
  let tables: (all: Int, shared: Int)
  private let marks: NotableEntries
  /// Where the kernel's part begins, by the name of the scheme.
  private let kernelStarts: [String: VirtualAddress]
  /// Mirrors and particular shares, as rows tell of them.
  let particular: ParticularItems
  /// Addresses of the kernel's image whose frames were given back.
  private let givenBack: AddressIntervals

  /// References that are listed at most: hostile tables hold more than anybody could read.
  package static let referenceLimit = 1 << 20

  /// Reads every table that the spaces reach.
  ///
  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the address space begins in a paging scheme.
  ///   - census: which spaces count, and how.
  ///   - names: what the guest calls addresses, where one tells.
  ///   - referenceLimit: space references that are kept at most.
  ///   - progress: gets the part that is done, 0 to 1; answering false ends the work with nil.
  package init?(
    _ spaces: [AddressSpace], _ census: SpaceCensus = SpaceCensus(), memory: any PhysicalMemory,
    kernelStart: (PagingScheme) -> VirtualAddress = \.usualKernelStart,
    names: GuestNames? = nil, referenceLimit: Int = ExplorerIndex.referenceLimit,
    progress: (Double) -> Bool = { _ in true }
  ) {
    // A mirror that is made meanwhile belongs to the next index.
    let memory = memory.moment()
    guard
      let index = SpaceIndex(
        spaces, memory: memory, copies: census.copies, freed: census.stale,
        progress: { progress($0 * 0.7) })
    else { return nil }
    self.spaces = index
    self.census = census
    tables = (index.tableCount, index.sharedTableCount)
    var starts: [String: VirtualAddress] = [:]
    for space in spaces where starts[space.scheme.name] == nil {
      starts[space.scheme.name] = kernelStart(space.scheme)
    }
    kernelStarts = starts
    let startOfKernel = { @Sendable [starts] (scheme: PagingScheme) in
      starts[scheme.name] ?? scheme.usualKernelStart
    }
    // Neither half needs the other, and they take equally long.
    let isCancelled = Flag()
    let (sharing, use) = alongside {
      SharingOfSpaces(
        index, census, memory: memory, kernelStart: startOfKernel, names: names,
        isCancelled: { isCancelled.isSet })
    } work: {
      let use = UseOfSpaces(
        index, census, memory: memory, kernelStart: startOfKernel, names: names,
        referenceLimit: referenceLimit, progress: { progress(0.7 + 0.2 * $0) })
      if use == nil { isCancelled.set() }
      return use
    }
    guard let use, progress(0.9) else { return nil }
    self.memory = use.memory
    hasAllReferences = use.hasAllReferences
    findings = use.findings
    findingRuns = FindingRuns(findings)
    hasAllFindings = use.hasAllFindings
    schemesWithoutNoExecute = use.schemesWithoutNoExecute
    schemesWithAllExecutable = use.schemesWithAllExecutable
    mirrors = sharing.mirrors.all
    hasAllMirrors = sharing.mirrors.isComplete
    mirrorNames = sharing.mirrorNames
    everybodys = sharing.everybodys
    shares = sharing.shares.all
    hasAllShares = sharing.shares.isComplete
    let isParticular = { [everybodys] (spaceNumber: Int, mapping: SpaceReferenceMapping) in
      let owner = mapping.owner
      return !census.stale.contains(spaceNumber) && !census.stale.contains(owner)
        && (spaceNumber == owner || census.counted(spaceNumber) != census.counted(owner))
        && census.copies[spaceNumber] == nil
        && !everybodys.contains(
          mapping.table, in: spaceNumber, window: spaces[spaceNumber].windowOrLowest(of: mapping.ourVA))
    }
    var background: [(spaceNumber: Int, mapping: SpaceReferenceMapping)] = []
    var particular: [(spaceNumber: Int, mapping: SpaceReferenceMapping)] = []
    for (spaceNumber, mapping) in use.references {
      if isParticular(spaceNumber, mapping) {
        particular.append((spaceNumber, mapping))
      } else {
        background.append((spaceNumber, mapping))
      }
    }
    references = particular + background
    particularReferences = particular.count
    guard progress(0.95) else { return nil }
    let schemes = SchemeNumbers(spaces)
    var marked = NotableEntryCollector(spaces, schemes, memory)
    for (number, finding) in findings.enumerated() {
      guard number % 256 != 0 || progress(0.95) else { return nil }
      marked.add(finding)
    }
    // Nobody looks for what was given back, or for what the kernel shows everybody: it carries no badge.
    for (number, mirror) in mirrors.enumerated() where mirror.isParticular {
      guard number % 256 != 0 || progress(0.96) else { return nil }
      marked.add(mirror)
    }
    guard
      let marks = NotableEntries(marked.entries, schemes, of: index, isCancelled: { !progress(0.97) }),
      let particular = ParticularItems(
        mirrors, userEntries: sharing.mirrors.userEntries, marked.kernelTables, shares, schemes, of: index,
        in: memory,
        isCancelled: { !progress(0.98) }),
      progress(1)
    else { return nil }
    self.marks = marks
    self.particular = particular
    givenBack = AddressIntervals(
      mirrors.filter { $0.kind == .givenBack }.map { (start: $0.kernelVA.value, length: $0.length) })
  }
}

extension ExplorerIndex {
  /// Where the kernel's part of the address space begins in a scheme.
  func kernelStart(of scheme: PagingScheme) -> VirtualAddress {
    kernelStarts[scheme.name] ?? scheme.usualKernelStart
  }

  /// The number of the window that a row of the tree lies in.
  func window(of row: TreeRow) -> Int { spaces.spaces[Int(row.space)].windowOrLowest(of: row.virtual) }

  /// What the guest calls both sides of a mirror, by number.
  func names(ofMirror number: Int) -> MirrorNames {
    mirrorNames.indices.contains(number) ? mirrorNames[number] : MirrorNames()
  }

  /// Whether a check found something in a row's entries or below them. A right that nobody should have belongs to
  /// a path: where the row's own path does not give it, there is nothing to say.
  func hasFinding(_ row: TreeRow, in scheme: PagingScheme) -> Bool {
    let kinds = kinds(of: row)
    guard !kinds.isEmpty else { return false }
    if !kinds.isDisjoint(with: [.malformedEntry, .tableOutsideDump]) { return true }
    let rights = scheme.shown(row.rights)
    let mayBoth =
      row.entryKind == .table
      ? scheme.mayBecomeWritableExecutable(rights) : scheme.isWritableExecutable(rights)
    return
      (kinds.contains(.writableExecutable) && mayBoth && !(rights.isUser && isAllExecutable(in: scheme)))
      || (kinds.contains(.userWritableTable) && rights.contains(.userWrite))
      || (kinds.contains(.userKernelMemory) && rights.isUser
        && row.virtual >= kernelStart(of: scheme))
  }

  /// Whether users may execute all that they may write: then a page of which this is true is like all others.
  private func isAllExecutable(in scheme: PagingScheme) -> Bool {
    schemesWithAllExecutable.contains { $0.name == scheme.name }
  }

  /// Whether a row's entries, or some below them, map frames into the kernel that user space also maps.
  func hasMirror(_ row: TreeRow) -> Bool { kinds(of: row).contains(.mirror) }

  /// The same of some entries of a table, by themselves.
  func hasMirror(
    _ slots: Range<Int>, of table: TableReference, spaceNumber: Int, window: Int
  ) -> Bool {
    marks.kinds(of: slots, in: table, spaceNumber: spaceNumber, window: window).contains(.mirror)
  }

  /// Whether what maps a frame is left of the kernel's image, which gave the frame back, and nobody uses it.
  func isGivenBack(_ group: AliasGroup) -> Bool {
    group.kind == .mirror && givenBack.overlap(group.first.virtual.value, 1)
  }

  /// The mirrors and particular shares of a space as a whole.
  func content(ofSpace spaceNumber: Int) -> ParticularItems.Content {
    let root = TableReference(address: spaces.spaces[spaceNumber].root, level: 0)
    return particular.content(below: root, spaceNumber: spaceNumber, window: 0)
  }

  /// The mirrors that count as a space's: those of its user mappings; of the kernel's own, those that it made.
  func mirrors(ofSpace spaceNumber: Int) -> ParticularItems.Tally {
    let content = content(ofSpace: spaceNumber)
    return census.kernels.contains(spaceNumber) ? content.mirroring : content.mirrored
  }

  private func kinds(of row: TreeRow) -> NotableEntries.Kinds {
    let table = TableReference(address: row.table, level: Int(row.level))
    let slots = Int(row.slot)..<Int(row.slot) + Int(row.count)
    let window = window(of: row)
    let own = marks.kinds(of: slots, in: table, spaceNumber: Int(row.space), window: window)
    guard row.entryKind == .table else { return own }
    // Tables fold only where all entries point at the same one.
    let below = TableReference(address: row.address, level: Int(row.level) + 1)
    return own.union(marks.kinds(below: below, spaceNumber: Int(row.space), window: window))
  }
}
