/// Pages of a land that follow each other and are in one state (`PageState` of SunriseOS).
public struct LandStretch: Hashable, Sendable {
  /// What an entry, or the lack of one, says.
  public enum State: Hashable, Sendable {
    /// Unused: it can be mapped.
    case available
    /// Kept from being mapped: a mark, or what the processor faults at anyway.
    case guarded
    /// Mapped, from this address of physical memory on.
    case present(PhysicalAddress)
  }

  /// The first page.
  public let first: VirtualAddress
  /// Bytes; whole pages.
  public internal(set) var length: UInt64
  /// What all the pages are.
  public let state: State

  /// Whether a page that follows this stretch is one more of it: present ones lie next to each other in physical
  /// memory, too.
  fileprivate func goesOn(with next: State) -> Bool {
    if case .present(let start) = state { return next == .present(start.advanced(by: length)) }
    return state == next
  }
}

extension AddressSpace {
  /// The states of all pages of a land, upwards, neighbours joined (`dump_kernelland_state`). Grows with what is mapped
  /// in it: for lands whose tables are known to be small.
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
  /// What each page of kernel land is, which is the same in all spaces.
  public var kernelStretches: [LandStretch] {
    mirrorLand.space.stretches(of: SimulatedMachine.kernelLand, in: memory)
  }
}
