/// One level of a translation: where the processor looked, and what it found.
public struct TranslationStep: Hashable, Sendable {
  /// Index into the scheme's levels, the root being 0.
  public let level: Int
  /// The table that was looked at.
  public let table: PhysicalAddress
  /// The index of the entry in it.
  public let slot: Int
  /// The entry's value.
  public let raw: UInt64
  /// What the entry is.
  public let kind: EntryKind
}

/// Why a translation stopped before a frame.
public enum TranslationFault: Hashable, Sendable {
  /// Bits above the translated ones do not agree with them.
  case nonCanonical
  /// The address is one of a window that the space does not have: the register that would hold its root.
  case noRoot(register: String)
  case absent
  /// Not present for the processor, but software keeps something in the entry.
  case marked(FoundMark?)
  /// The given reserved bits are set, or the entry is present in a form that the level does not allow.
  case malformed(reservedBits: UInt64)
  /// The table itself cannot be read.
  case tableMissing(PhysicalAddress, MissingPage)
}

/// What a translated address leads to.
public struct MappedPage: Hashable, Sendable {
  /// The address of the requested byte, not of the page.
  public let physical: PhysicalAddress
  /// Bytes in the page: the span of the level that mapped it.
  public let pageSize: UInt64
  /// What the whole path allows.
  public let rights: Rights
  /// Whether the supervisor may write the page although an entry on the path is read-only.
  public let isWrittenThroughProtection: Bool
  /// Whether the dump holds the frame; a frame that it does not hold is not a fault.
  public let isInDump: Bool

  /// What the whole path allows, in the short form.
  public var access: Access { rights.access }
}

/// The walk of one virtual address, from the root to the frame or to the step where it stopped.
public struct Translation: Hashable, Sendable {
  /// How a walk of one address ends.
  public enum Outcome: Hashable, Sendable {
    case mapped(MappedPage)
    case fault(TranslationFault)
  }

  /// The address to be translated.
  public let address: VirtualAddress
  /// The number of the space's window that the address lies in; that of the lowest window if it lies in none.
  public let window: Int
  /// One step per table that could be read, root first.
  public let steps: [TranslationStep]
  /// The page, or the fault.
  public let outcome: Outcome

  /// The page, or nil if the walk stopped.
  public var page: MappedPage? {
    if case .mapped(let page) = outcome { page } else { nil }
  }
}

extension AddressSpace {
  /// Walks one address as the processor would.
  public func translate(_ address: VirtualAddress, in memory: any PhysicalMemory) -> Translation {
    guard let window = window(of: address) else {
      return Translation(
        address: address, window: 0, steps: [],
        outcome: .fault(missingRoot(for: address).map { .noRoot(register: $0) } ?? .nonCanonical))
    }
    var steps: [TranslationStep] = []
    let outcome = windows[window].translate(address, in: memory, &steps)
    return Translation(address: address, window: window, steps: steps, outcome: outcome)
  }

  /// The levels, root first, at which the path of `translation` loses one of the permissions.
  public func restrictions(of translation: Translation) -> [(level: Int, lost: Access)] {
    translation.steps.compactMap { step in
      let lost = windows[translation.window].scheme.restriction(by: step)
      return lost.isEmpty ? nil : (step.level, lost)
    }
  }
}

extension AddressWindow {
  /// Walks an address that lies in the window.
  fileprivate func translate(
    _ address: VirtualAddress, in memory: any PhysicalMemory, _ steps: inout [TranslationStep]
  ) -> Translation.Outcome {
    let offset = VirtualAddress(offset(of: address))
    var table = rootTable.address
    var rights = Rights.all
    for (index, level) in scheme.levels.enumerated() {
      let slot = level.slot(of: offset)
      let size = level.format.entrySize
      let raw: UInt64
      do {
        raw = try memory.read(at: table.advanced(by: UInt64(slot * size)), size: size)
      } catch {
        return .fault(.tableMissing(table, error))
      }
      let kind = level.format.kind(of: raw)
      steps.append(TranslationStep(level: index, table: table, slot: slot, raw: raw, kind: kind))
      switch kind {
      case .table:
        rights.formIntersection(level.format.rights(of: raw, kind: kind))
        table = level.format.tableAddress.address(in: raw)
      case .leaf:
        rights.formIntersection(level.format.rights(of: raw, kind: kind))
        let physical = level.frame(of: raw, slot: slot).advanced(by: offset.value & (level.span - 1))
        return .mapped(
          MappedPage(
            physical: physical, pageSize: level.pageSize(of: raw), rights: scheme.granted(by: rights),
            isWrittenThroughProtection: scheme.supervisorWritesReadOnly && !rights.contains(.write),
            isInDump: memory.holds(physical)))
      case .absent: return .fault(.absent)
      case .marked: return .fault(.marked(scheme.mark(in: raw, level: index, of: memory, at: address)))
      case .malformed: return .fault(.malformed(reservedBits: level.reservedBitsSet(in: raw)))
      }
    }
    preconditionFailure("the last level of a scheme points at tables")
  }
}

extension PagingScheme {
  /// The permissions that a step takes from its path, in the short form; none where it leads nowhere.
  public func restriction(by step: TranslationStep) -> Access {
    guard step.kind == .table || step.kind == .leaf else { return [] }
    return Access.all.subtracting(levels[step.level].format.access(of: step.raw, kind: step.kind))
  }

  /// What a step lets pass of its path; everything where it leads nowhere.
  package func rights(passing step: TranslationStep) -> Rights {
    guard step.kind == .table || step.kind == .leaf else { return .all }
    return levels[step.level].format.rights(of: step.raw, kind: step.kind)
  }
}

extension PagingLevel {
  /// The bits set in an entry that the manual reserves, including tolerated ones; 0 for an entry that is malformed
  /// because of its form.
  public func reservedBitsSet(in raw: UInt64) -> UInt64 {
    let isTable = format.pointsAtTable.matches(raw)
    return raw & (isTable ? format.tableReserved | format.tableTolerated : format.leafReserved)
  }
}
