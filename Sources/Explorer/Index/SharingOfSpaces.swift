import Guests
import PageTables

/// What spaces have in common, and what the kernel maps of them: half of an index.
struct SharingOfSpaces: Sendable {
  let mirrors: Mirrors
  /// What the guest calls both sides of the mirrors, by number; of many, those of the first.
  let mirrorNames: [MirrorNames]
  /// What all have in common, and so steps back.
  let everybodys: EverybodysTables
  /// What some of them share beyond that.
  let shares: ParticularShares

  /// Mirrors whose regions are looked up.
  private static let regionLimit = 4096

  /// - Parameters:
  ///   - kernelStart: where the kernel's part of the address space begins in a paging scheme.
  ///   - isCancelled: asked once in a while; after it has answered true, the result is incomplete.
  init(
    _ index: SpaceIndex, _ census: SpaceCensus, memory: any PhysicalMemory,
    kernelStart: (PagingScheme) -> VirtualAddress, names: GuestNames?, isCancelled: () -> Bool
  ) {
    let isWanted: ((Int) -> Bool)? = census.stale.isEmpty ? nil : { !census.stale.contains($0) }
    let mirrors = Mirrors(
      of: index, in: memory, isWanted: isWanted, isInUse: names?.isInUse, isCancelled: isCancelled)
    self.mirrors = mirrors
    mirrorNames =
      names.map { names in
        mirrors.all.prefix(Self.regionLimit).map { MirrorNames($0, names, census.found) }
      } ?? []
    everybodys = EverybodysTables(
      of: index, in: memory, kernelStart: kernelStart, isAsked: census.isOrdinary)
    shares = ParticularShares(
      of: index, beside: everybodys, kernelStart: kernelStart, isWanted: isWanted, isCancelled: isCancelled)
  }
}
