import MemoryImages
import PageTables

/// What the user fixed about the search for spaces.
public struct SpaceSearchOptions: Sendable {
  /// `--root NAME=PA`, in order. Given, these and no others are used, unless `scans` is set.
  public var roots: [(name: String, address: PhysicalAddress)] = []
  /// `--paging`; nil finds out.
  public var schemeName: String?
  /// `--c-bit` and the like.
  public var features = X86.Features()
  /// `--scan`: search although roots were given.
  public var scans = false

  public init() {}
}

/// Spaces, and what there is to say about the search.
public struct FoundSpaces: Sendable, Equatable {
  /// In the order of listing: known ones first, possibly stale ones last.
  public var spaces: [FoundSpace] = []
  /// One line each.
  public var warnings: [String] = []
  /// Whether a scan could still add spaces.
  public var canScan = true

  public init() {}
}

/// Why no spaces can be shown. Each description is one line that says what to do.
public enum SpaceSearchError: Error, Hashable, Sendable, CustomStringConvertible {
  case rootOutsideDump(name: String, PhysicalAddress)
  case rootIsNoTable(name: String, PhysicalAddress, scheme: String)
  case unknownScheme(String)

  public var description: String {
    switch self {
    case .rootOutsideDump(let name, let address):
      "root \(name)=\(AddressText.hex(address.value)) lies outside the dump"
    case .rootIsNoTable(let name, let address, let scheme):
      "root \(name)=\(AddressText.hex(address.value)) is no table of \(scheme): it has no entry that such a root could hold"
    case .unknownScheme(let name):
      "unknown paging scheme \(name); known: \(PagingSchemes.names.joined(separator: ", "))"
    }
  }

}

/// The search for the address spaces of a memory, in two steps: what is known at once, and what a scan of all
/// memory adds.
public struct SpaceSearch: Sendable {
  public let image: MemoryImage
  public let options: SpaceSearchOptions

  public init(_ image: MemoryImage, _ options: SpaceSearchOptions = SpaceSearchOptions()) {
    self.image = image
    self.options = options
  }

  /// The spaces that need no scan: given roots, those a capture lists, those in the CPUs' registers.
  public func known() throws(SpaceSearchError) -> FoundSpaces {
    var result = FoundSpaces()
    if let name = options.schemeName, PagingSchemes.named(name) == nil { throw .unknownScheme(name) }
    if !options.roots.isEmpty {
      for root in options.roots { result.spaces.append(try given(root.name, root.address)) }
      result.canScan = options.scans
      return result
    }
    if !image.spaces.isEmpty {
      result.spaces = image.spaces.map { FoundSpace(space: $0, origin: .given) }
      result.canScan = false
      return result
    }
    result.spaces = image.segmentRoots.map { FoundSpace(space: $0, origin: .segments) }
    if let capture = image.capture {
      var list = CaptureList(lines: capture.spaceLines)
      var features = options.features
      features.pageSizeExtension = image.cpus.first?.hasPageSizeExtension ?? true
      result.spaces = list.spaces(features: features)
      result.canScan = result.spaces.isEmpty
      if list.unreadableLines > 0 {
        result.warnings.append(
          "\(list.unreadableLines) lines of the capture's list of spaces are not readable")
      }
      return result
    }
    for (number, cpu) in image.cpus.enumerated() {
      guard let scheme = image.scheme(of: cpu, options) else { continue }
      let root = scheme.rootAddress.address(in: cpu.cr3)
      guard image.holdsEntries(root, scheme) else {
        result.warnings.append(
          "cpu \(number): root \(AddressText.hex(root.value)) is outside the dump or no table of \(scheme.title)"
        )
        continue
      }
      if result.spaces.contains(where: { $0.space.root == root }) { continue }
      let classification = RootClassification(image: image, shape: RootShape(scheme))
      result.spaces.append(classification.space(root, origin: .cpu(number)))
    }
    return result
  }

  /// Searches all of memory for more roots, and sorts out what is known about all of them. What is known may
  /// have the names of its processes already: they stay.
  ///
  /// - Parameter progress: gets the part done, 0 to 1; answering false stops the search.
  /// - Returns: all spaces, the known ones included; nil when it was stopped.
  public func scan(known: FoundSpaces, progress: @escaping (Double) -> Bool) -> FoundSpaces? {
    guard known.canScan else { return known }
    var result = known
    guard let start = reference(known, progress: progress) else {
      return progress(1) ? result : nil
    }
    let shape = RootShape(start.scheme)
    let classification = RootClassification(image: image, shape: shape)
    guard let entries = shape.entries(at: start.root, in: image.memory),
      let scan = RootScan(shape: shape, reference: entries, root: start.root)
    else { return result }
    let half = start.isKnown ? 0.0 : 0.5
    guard let roots = scan.run(MemoryPass(memory: image.memory) { progress(half + $0 * (1 - half)) }) else {
      return nil
    }
    let sameScheme = known.spaces.filter { $0.space.scheme == start.scheme }
    let knownByRoot = Dictionary(sameScheme.map { ($0.space.root, $0) }) { first, _ in first }
    let origins = knownByRoot.mapValues(\.origin)
    let knownRoots = sameScheme.map(\.space.root)
    let more = roots.filter { origins[$0] == nil }
    result.spaces = classification.spaces(for: knownRoots + more, knownBy: origins)
    result.spaces += known.spaces.filter { $0.space.scheme != start.scheme }
    for index in result.spaces.indices {
      guard let earlier = knownByRoot[result.spaces[index].space.root] else { continue }
      if earlier.origin == .given || earlier.namedBy != nil {
        result.spaces[index].space.name = earlier.space.name
      }
      if earlier.namedBy != nil { result.spaces[index].takeOwner(from: earlier) }
    }
    result.canScan = false
    return result
  }

  /// The root that others must agree with. With page-table isolation a CPU may be on the user copy, which has
  /// hardly a kernel part: then it is the other one of the pair.
  private func reference(
    _ known: FoundSpaces, progress: @escaping (Double) -> Bool
  ) -> (root: PhysicalAddress, scheme: PagingScheme, isKnown: Bool)? {
    for known in known.spaces {
      let scheme = known.space.scheme
      let shape = RootShape(scheme)
      let classification = RootClassification(image: image, shape: shape)
      let even = PhysicalAddress(known.space.root.value & ~Frame.size)
      let isUserCopy =
        known.space.root != even && classification.isPair(kernel: even, user: known.space.root)
      let root = isUserCopy ? even : known.space.root
      // A CPU may run on a root of its own (a trampoline), with which nothing has to agree.
      guard let entries = shape.entries(at: root, in: image.memory),
        RootScan(shape: shape, reference: entries, root: root) != nil
      else { continue }
      return (root, scheme, true)
    }
    let schemes: [PagingScheme]
    if let name = options.schemeName, let scheme = PagingSchemes.named(name, options.features) {
      schemes = [scheme]
    } else {
      schemes = X86.all(options.features)
    }
    return RootSurvey(image: image, schemes: schemes).run(progress).map { ($0.root, $0.scheme, false) }
  }

  private func given(_ name: String, _ address: PhysicalAddress) throws(SpaceSearchError) -> FoundSpace {
    var schemes: [PagingScheme]
    if let schemeName = options.schemeName {
      guard let scheme = PagingSchemes.named(schemeName, options.features) else {
        throw .unknownScheme(schemeName)
      }
      schemes = [scheme]
    } else {
      schemes = image.cpus.compactMap { image.scheme(of: $0, options) }
      if let first = schemes.first { schemes = [first] } else { schemes = X86.all(options.features) }
    }
    guard (try? image.memory.withPage(at: address) { _ in true }) != nil else {
      throw .rootOutsideDump(name: name, address)
    }
    // A register's value will do: its low bits are PCID or cache bits, no address.
    func root(_ scheme: PagingScheme) -> PhysicalAddress {
      PhysicalAddress(address.value & ~(scheme.rootAlignment - 1))
    }
    let sound = schemes.filter { image.couldBeRoot(root($0), $0) }
    let possible = sound.isEmpty ? schemes.filter { image.holdsEntries(root($0), $0) } : sound
    guard let scheme = bestScheme(possible, for: root) else {
      throw .rootIsNoTable(
        name: name, address, scheme: schemes.map(\.title).joined(separator: " or "))
    }
    return FoundSpace(
      space: AddressSpace(name: name, root: root(scheme), scheme: scheme), origin: .given)
  }

  /// Of the schemes by which the root could be read, the one whose direct map is most convincing; where there
  /// is none (a user copy), the one that reads with the fewest oddities.
  private func bestScheme(
    _ possible: [PagingScheme], for root: (PagingScheme) -> PhysicalAddress
  ) -> PagingScheme? {
    guard possible.count > 1 else { return possible.first }
    var best = possible[0]
    var judgement = self.judgement(of: root(best), best)
    for scheme in possible.dropFirst() {
      let other = self.judgement(of: root(scheme), scheme)
      if other > judgement { (best, judgement) = (scheme, other) }
    }
    return best
  }

  private func judgement(of root: PhysicalAddress, _ scheme: PagingScheme) -> RootJudgement {
    RootJudgement(AddressSpace(name: "", root: root, scheme: scheme), in: image.memory)
  }
}
