/// Consecutive pages of a land in the same state (`PageState` of SunriseOS).
public struct LandStretch: Hashable, Sendable {
  /// The state that an entry, or its absence, indicates.
  public enum State: Hashable, Sendable {
    /// Unused: it can be mapped.
    case available
    /// Not to be mapped: there is a mark, or something else on which the processor faults.
    case guarded
    /// Mapped, to physical memory that starts at this address.
    case present(PhysicalAddress)
  }

  /// The first page.
  public let first: VirtualAddress
  /// Bytes; whole pages.
  public internal(set) var length: UInt64
  /// The state of all its pages.
  public let state: State

  /// Whether a page in state `next` that directly follows this stretch extends it; present pages must be contiguous
  /// in physical memory, too.
  fileprivate func goesOn(with next: State) -> Bool {
    if case .present(let start) = state { return next == .present(start.advanced(by: length)) }
    return state == next
  }
}

extension AddressSpace {
  /// The states of all pages of a land, ascending, with neighbours joined (`dump_kernelland_state`). The cost grows
  /// with what is mapped in the land: for lands whose tables are known to be small.
  func stretches(of land: Land, in memory: any PhysicalMemory) -> [LandStretch] {
    var stretches: [LandStretch] = []
    var offset: UInt64 = 0
    while offset < land.length {
      let address = land.first.advanced(by: offset)
      let translation = translate(address, in: memory)
      let span = scheme.levels[translation.steps.last?.level ?? scheme.levels.count - 1].span
      let length = min(span - address.value & (span - 1), land.length - offset)
      let state: LandStretch.State =
        switch translation.outcome {
        case .mapped(let page): .present(page.physical)
        case .fault(.absent): .available
        case .fault: .guarded
        }
      if let last = stretches.last, last.goesOn(with: state) {
        stretches[stretches.count - 1].length += length
      } else {
        stretches.append(LandStretch(first: address, length: length, state: state))
      }
      offset += length
    }
    return stretches
  }
}

extension SimulatedMachine {
  /// The state of each page of kernel land, which is the same in all spaces.
  public var kernelStretches: [LandStretch] {
    mirrorLand.space.stretches(of: SimulatedMachine.kernelLand, in: memory)
  }
}
