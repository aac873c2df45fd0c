import MemoryImages
import PageTables

/// `--root NAME=PA`: the roots of one space.
package struct GivenRoot: Sendable {
  package var name: String
  /// The root of all addresses, or of the lower of two windows; nil where the space has the upper one alone.
  package var address: PhysicalAddress?
  /// The root of the upper window.
  package var upper: PhysicalAddress?

  package init(_ name: String, _ address: PhysicalAddress?, upper: PhysicalAddress? = nil) {
    self.name = name
    self.address = address
    self.upper = upper
  }

  /// As it was given.
  var text: String {
    let roots = [address, upper].map { $0.map { AddressText.hex($0.value) } ?? "" }
    return "\(name)=" + (upper == nil ? roots[0] : roots.joined(separator: ","))
  }
}

/// The user's options for the search for spaces.
package struct SpaceSearchOptions: Sendable {
  /// `--root NAME=PA`, in order. If given, only these are used, unless `scans` is set.
  package var roots: [GivenRoot] = []
  /// `--paging`; nil means to detect it.
  package var schemeName: String?
  /// `--c-bit`, `--no-wp` and the like; completed by the source's registers and notes.
  package var features = ProcessorFeatures()
  /// The address bits of the upper window, where a scheme leaves them open and they are not those of the lower one.
  package var upperAddressBits: Int?
  /// `--scan`: search even if roots were given.
  package var scans = false
  /// `--kernel-start`: the first address of the kernel's part; nil means to detect it.
  package var kernelStart: VirtualAddress?

  package init() {}
}

/// Spaces, and messages about the search.
package struct FoundSpaces: Sendable, Equatable {
  /// In listing order: known ones first, possibly stale ones last.
  package var spaces: [FoundSpace] = []
  /// One line each.
  package var warnings: [String] = []
  /// For each processor whose registers did not lead to a space, a phrase that says why.
  package var attempts: [String] = []
  /// Whether a scan could still add spaces.
  package var canScan = true

  package init() {}
}

/// Why no spaces can be shown. Each description is one line that says what to do.
package enum SpaceSearchError: Error, Hashable, Sendable, CustomStringConvertible {
  case rootOutsideDump(name: String, PhysicalAddress)
  case rootIsNoTable(name: String, PhysicalAddress, scheme: String)
  case oneWindow(name: String, scheme: String)
  case unknownScheme(String)

  package var description: String {
    switch self {
    case .rootOutsideDump(let name, let address):
      "root \(name)=\(AddressText.hex(address.value)) lies outside the dump"
    case .rootIsNoTable(let name, let address, let scheme):
      "root \(name)=\(AddressText.hex(address.value)) is not a table of \(scheme): it has no entry that such a root could hold"
    case .oneWindow(let name, let scheme):
      "root \(name) has two addresses, and \(scheme) has one root for all; give --root \(name)=PA, or --paging with a scheme of two"
    case .unknownScheme(let name):
      "unknown paging scheme \(name); known: \(PagingSchemes.names.joined(separator: ", "))"
    }
  }

}

/// The search for the address spaces of a memory, in two steps: the spaces known at once, and those that a scan of
/// all memory adds.
package struct SpaceSearch: Sendable {
  package let image: MemoryImage
  package let options: SpaceSearchOptions

  package init(_ image: MemoryImage, _ options: SpaceSearchOptions = SpaceSearchOptions()) {
    self.image = image
    var options = options
    options.features = CPUState.features(of: image.cpus, options.features)
    options.features.memoryAttributes = CPUState.memoryAttributes(of: image.cpus)
    let info = image.vmcoreinfo.flatMap { Vmcoreinfo($0) }
    options.features.encryptionBit = options.features.encryptionBit ?? info?.encryptionBit
    self.options = options
  }

  /// The spaces that need no scan: given roots, those listed in a capture, those in the CPUs' registers.
  package func known() throws(SpaceSearchError) -> FoundSpaces {
    if let search = searchWithEncryption() { return try search.known() }
    var found = try knownSpaces()
    found.warnings += kernelStartWarnings(found)
    return image.spaces.isEmpty || !options.roots.isEmpty ? marked(found) : found
  }

  private func knownSpaces() throws(SpaceSearchError) -> FoundSpaces {
    var result = FoundSpaces()
    if let name = options.schemeName, PagingSchemes.named(name) == nil { throw .unknownScheme(name) }
    if !options.roots.isEmpty {
      for root in options.roots {
        let found = try given(root)
        let earlier = result.spaces.first { $0.space.windows == found.space.windows }
        if let earlier {
          result.warnings.append(
            "root \(root.text) is the same as \(earlier.space.name)'s, and is listed once"
          )
        } else {
          result.spaces.append(found)
        }
      }
      result.canScan = options.scans
      return result
    }
    if !image.spaces.isEmpty {
      result.spaces = image.spaces.map {
        FoundSpace(space: $0, role: FoundSpace.Role(ofListed: $0.name), origin: .given)
      }
      result.canScan = false
      return result
    }
    result.spaces = image.segmentRoots.map { FoundSpace(space: $0, origin: .segments) }
    if let capture = image.capture {
      var list = CaptureList(lines: capture.spaceLines)
      result.spaces = list.spaces(features: options.features)
      result.canScan = result.spaces.isEmpty
      if list.unreadableLines > 0 {
        result.warnings.append(
          "\(list.unreadableLines) unreadable \(list.unreadableLines == 1 ? "line" : "lines") in the capture's list of spaces"
        )
      }
      if list.linesLeftOut > 0 {
        result.warnings.append(
          "the capture's list of spaces is too long; its last \(list.linesLeftOut) lines are left out")
      }
      return result
    }
    for (number, cpu) in image.cpus.enumerated() {
      guard cpu.isOfX86 else {
        if let found = space(of: cpu, number),
          !result.spaces.contains(where: { $0.space.root == found.space.root })
        {
          result.spaces.append(found)
        }
        continue
      }
      guard let scheme = image.scheme(of: cpu, options) else {
        result.attempts.append("cpu \(number) has paging off")
        continue
      }
      let root = cpu.root(in: scheme)
      if let refusal = image.refusal(of: root, scheme) {
        let reason =
          "cpu \(number): root \(AddressText.hex(root.value)) \(refusal)" + encryptionHint(root)
        result.attempts.append(reason)
        result.warnings.append(reason)
        continue
      }
      if result.spaces.contains(where: { $0.space.root == root }) { continue }
      let classification = RootClassification(image: image, shape: RootShape(scheme))
      result.spaces.append(classification.space(root, origin: .cpu(number)))
    }
    return result
  }

  /// Searches all of memory for more roots, and classifies all of them together with the known ones. Known spaces
  /// may already have the names of their processes, which are kept.
  ///
  /// - Parameter progress: gets the fraction done, 0 to 1; returning false stops the search.
  /// - Returns: all spaces, including the known ones; nil when it was stopped.
  package func scan(known: FoundSpaces, progress: @escaping (Double) -> Bool) -> FoundSpaces? {
    guard known.canScan, var found = scanned(known, progress) else { return known.canScan ? nil : known }
    found.warnings += kernelStartWarnings(found).filter { !found.warnings.contains($0) }
    found.warnings += virtualMachineWarnings(known, progress)
    if let displaced = memoryBehindHole(found) { found.warnings.append(displaced.hint) }
    return marked(found)
  }

  /// The known spaces, and those of an earlier moment that no process had and that still look like roots.
  func adding(_ earlier: [FoundSpace], to known: FoundSpaces) -> FoundSpaces {
    var result = known
    let roots = Set(known.spaces.map(\.space.root))
    result.spaces += earlier.filter { found in
      found.role != .process && !roots.contains(found.space.root)
        && image.couldBeRoot(found.space.root, found.space.scheme)
    }
    result.canScan = false
    return result
  }

  private func scanned(_ known: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> FoundSpaces? {
    if known.spaces.contains(where: { $0.space.scheme.upperRootRegister != nil }) {
      return withTwoWindows(known, progress)
    }
    let reference: RootReference
    var surveyed = 0.0
    if let found = self.reference(known) {
      reference = found
    } else {
      surveyed = 0.5
      guard let found = survey(known, { progress($0 * surveyed) }) else {
        guard progress(0) else { return nil }
        return known.spaces.isEmpty ? withTwoWindows(known, progress) : withoutReference(known)
      }
      reference = self.reference(surveyed: found)
    }
    // The steps after the scan may take as long as the scan itself.
    let half = (1 - surveyed) / 2
    let pass = MemoryPass(memory: image.memory) { progress(surveyed + $0 * half) }
    guard let roots = reference.scan.run(pass) else { return nil }
    let found = sorted(roots, reference, known) { progress(1 - half + $0 * half) }
    return progress(1) ? found : nil
  }

  /// The spaces where the kernel has a window of its own; nil when it was stopped.
  private func withTwoWindows(_ known: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> FoundSpaces? {
    let kernel = known.spaces.lazy.compactMap(\.space.kernelPart).first
    var schemes = kernel.map { [$0.scheme] } ?? twoWindowSchemes
    schemes.removeAll { $0.upperRootRegister == nil }
    let found =
      schemes.isEmpty ? nil : TwoWindowSearch(image: image).run(schemes, kernel: kernel?.root, progress)
    guard progress(1) else { return nil }
    guard let found, let root = found.kernel else { return withoutReference(known) }
    var result = known
    let own = AddressSpace(kernel: FoundSpace.Role.kernelName, root: root, scheme: found.scheme)
    let seen = Set(known.spaces.map(\.space.root))
    if kernel == nil { result.spaces.append(FoundSpace(space: own, role: .kernel, origin: .scan)) }
    for root in found.lower where !seen.contains(root) {
      let name = AddressText.hex(root.value)
      result.spaces.append(
        FoundSpace(
          space: AddressSpace(process: name, root: root, scheme: found.scheme, kernel: own), origin: .scan))
    }
    result.canScan = false
    return result
  }

  /// The schemes of two windows to try where nothing says which one it is, with each number of address bits that
  /// kernels use.
  private var twoWindowSchemes: [PagingScheme] {
    if let name = options.schemeName {
      return PagingSchemes.named(name, options.features).map { [$0] } ?? []
    }
    guard image.machine.map({ $0.likelySchemes(options.features)[0].upperRootRegister != nil }) ?? true else {
      return []
    }
    return LinuxArchitecture.all.flatMap(\.schemes).compactMap {
      PagingSchemes.named($0.name, options.features)
    }
  }

  /// The most convincing root; where there is none in memory of an unknown machine, one by the schemes of the machine
  /// that its kernel names.
  private func survey(_ known: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> RootSurvey.Found? {
    func run(_ schemes: [PagingScheme]) -> RootSurvey.Found? {
      RootSurvey(image: image, schemes: schemes, kernelStart: options.kernelStart).run(progress)
    }
    if let found = run(schemes(beside: known)) { return found }
    guard known.spaces.isEmpty, options.schemeName == nil, progress(0), let machine = foreignMachine(),
      machine.isSupported
    else { return nil }
    return run(machine.likelySchemes(options.features))
  }

  /// What a scan compares pages with.
  private struct RootReference {
    let space: AddressSpace
    let shape: RootShape
    let scan: RootScan
  }

  /// The most known roots that are tried: a list may name thousands.
  private static let referencesTried = 64

  /// The known root that others must agree with. With page-table isolation a CPU may be on the user copy, which has
  /// hardly any kernel part; the other root of the pair is used then.
  private func reference(_ known: FoundSpaces) -> RootReference? {
    var withoutEntries: RootReference?
    var seen: (scheme: PagingScheme, landmarks: [Landmarks], start: VirtualAddress)?
    for found in known.spaces.prefix(SpaceSearch.referencesTried) {
      let scheme = found.space.scheme
      // Roots that hold nothing of the kernel have nothing to agree in.
      guard scheme.upperRootRegister == nil else { continue }
      if seen?.scheme != scheme {
        let same = known.spaces.filter { $0.space.scheme == scheme }
        // A single root may not show where the kernel begins: the kernel's own has no user space that ends there.
        seen = (scheme, same.flatMap { self.landmarks(in: $0.space) }, kernelStart(of: same, scheme))
      }
      guard let (_, landmarks, start) = seen else { continue }
      let shape = RootShape(scheme, kernelStart: start)
      let classification = RootClassification(image: image, shape: shape)
      var space = found.space
      if let copy = scheme.isolatedRoots?.kernelCopy(of: space.root), copy != space.root,
        classification.isPair(kernel: copy, user: space.root)
      {
        space.root = copy
      }
      // A guest that named its spaces has a single set of kernel tables.
      var marks = found.namedBy == nil ? landmarks : []
      // If neither registers nor a guest give landmarks, samples of the supervisor's memory are used.
      if marks.isEmpty, found.namedBy == nil,
        let sampled = Landmarks(sampling: space, from: start, image.memory)
      {
        marks = [sampled]
      }
      // A CPU may run on a special root (a trampoline), with which no other root need agree.
      guard let scan = RootScan(shape, root: space.root, landmarks: marks, in: image.memory) else { continue }
      let reference = RootReference(space: space, shape: shape, scan: scan)
      if scan.comparesEntries { return reference }
      if withoutEntries == nil, !marks.isEmpty { withoutEntries = reference }
    }
    return withoutEntries
  }

  private func reference(surveyed: RootSurvey.Found) -> RootReference {
    RootReference(space: surveyed.space, shape: surveyed.shape, scan: surveyed.scan)
  }

  /// If any space is known, other schemes are not tried besides its own.
  private func schemes(beside known: FoundSpaces) -> [PagingScheme] {
    var schemes: [PagingScheme] = []
    for found in known.spaces where !schemes.contains(found.space.scheme) {
      schemes.append(found.space.scheme)
    }
    if !schemes.isEmpty { return schemes }
    if let name = options.schemeName, let scheme = PagingSchemes.named(name, options.features) {
      return [scheme]
    }
    // Where the kernel has a window of its own, no root shows by its kernel entries.
    return image.likelySchemes(options.features)[0].filter { $0.upperRootRegister == nil }
  }

  /// Whether a guest says, or will say, whose those spaces are.
  private func isLinux(_ known: FoundSpaces, _ progress: @escaping (Double) -> Bool) -> Bool {
    image.vmcoreinfo != nil || known.spaces.contains { $0.namedBy != nil }
      || LinuxSign(image: image, spaces: known).isThere(progress)
  }

  /// Explains why nothing was added.
  private func withoutReference(_ known: FoundSpaces) -> FoundSpaces {
    var result = known
    result.canScan = false
    guard let first = known.spaces.first else { return result }
    let root = AddressText.hex(first.space.root.value)
    result.warnings.append(
      "root \(root) has no kernel part to compare other roots with, so no scan was made; "
        + "say where the kernel begins with --kernel-start VA, or name roots with --root NAME=PA")
    return result
  }

  /// All spaces: those already known, and those for the roots that a scan found.
  private func sorted(
    _ roots: RootScan.Roots, _ reference: RootReference, _ known: FoundSpaces,
    _ progress: @escaping (Double) -> Bool
  ) -> FoundSpaces {
    var result = known
    if roots.isCut {
      result.warnings.append(
        "more than \(RootScan.mostRoots) places look like roots; those at higher addresses are left out")
    }
    let scheme = reference.space.scheme
    let classification = RootClassification(image: image, shape: reference.shape)
    let sameScheme = known.spaces.filter { $0.space.scheme == scheme }
    let knownByRoot = Dictionary(sameScheme.map { ($0.space.root, $0) }) { first, _ in first }
    var more = roots.agreeing.filter { knownByRoot[$0] == nil }
    more += classification.withoutTables(
      roots.byLandmarks.filter { knownByRoot[$0] == nil },
      of: sameScheme.map(\.space.root) + roots.agreeing + roots.byLandmarks)
    var sign = known
    if sign.spaces.isEmpty { sign.spaces = [FoundSpace(space: reference.space, origin: .scan)] }
    let pass = MemoryPass(memory: image.memory) { progress(0.5 + $0 / 2) }
    result.spaces = classification.spaces(
      for: sameScheme.map(\.space.root) + more.sorted(), knownBy: knownByRoot.mapValues(\.origin),
      pointers: isLinux(sign) { progress($0 / 2) } ? nil : RootPointers(shape: reference.shape, pass: pass),
      hasKernel: known.spaces.contains(where: \.isKernelsOwn))
    result.spaces += known.spaces.filter { $0.space.scheme != scheme }
    for index in result.spaces.indices {
      guard let earlier = knownByRoot[result.spaces[index].space.root] else { continue }
      if earlier.origin == .given || earlier.namedBy != nil {
        result.spaces[index].space.name = earlier.space.name
        result.spaces[index].role = earlier.role
      }
      if earlier.namedBy != nil { result.spaces[index].takeOwner(from: earlier) }
    }
    result.canScan = false
    return result
  }

  private func given(_ given: GivenRoot) throws(SpaceSearchError) -> FoundSpace {
    let name = given.name.cut(toBytes: NameLimit.space)
    var windows: [AddressWindow] = []
    if let address = given.address {
      let scheme = try scheme(of: given, address, among: families(options.features))
      windows.append(AddressWindow(root: root(address, scheme), scheme: scheme))
    }
    if let address = given.upper {
      var features = options.features
      features.virtualAddressBits = options.upperAddressBits ?? features.virtualAddressBits
      var families = try families(features)
      // Both windows are of one architecture, and most often of one scheme.
      if options.schemeName == nil, options.upperAddressBits == nil, let lower = windows.first {
        families = [[lower.scheme]]
      }
      let upper = families.map { $0.filter { $0.upperRootRegister != nil } }.filter { !$0.isEmpty }
      guard !upper.isEmpty else {
        throw .oneWindow(name: name, scheme: families.joined().map(\.title).joined(separator: " or "))
      }
      let scheme = try scheme(of: given, address, among: upper)
      windows.append(AddressWindow(upperRoot: root(address, scheme), scheme: scheme))
    }
    return FoundSpace(
      space: AddressSpace(name: name, windows: windows), role: FoundSpace.Role(ofListed: name),
      origin: .given)
  }

  /// The schemes by which given roots may be read, by architecture, the likelier one first.
  private func families(_ features: ProcessorFeatures) throws(SpaceSearchError) -> [[PagingScheme]] {
    if let schemeName = options.schemeName {
      guard let scheme = PagingSchemes.named(schemeName, features) else { throw .unknownScheme(schemeName) }
      return [[scheme]]
    }
    if let first = image.cpus.lazy.compactMap({ image.scheme(of: $0, options) }).first { return [[first]] }
    return image.likelySchemes(features)
  }

  /// A raw register value is accepted: its low bits are PCID or cache bits, not address bits; where a space has two
  /// roots, high ones may be an ASID.
  private func root(_ address: PhysicalAddress, _ scheme: PagingScheme) -> PhysicalAddress {
    if scheme.upperRootRegister != nil, !canRead(address) {
      return scheme.rootAddress.address(in: address.value)
    }
    return PhysicalAddress(address.value & ~(scheme.rootAlignment - 1))
  }

  private func canRead(_ address: PhysicalAddress) -> Bool {
    (try? image.memory.withPage(at: address) { _ in true }) != nil
  }

  private func scheme(
    of given: GivenRoot, _ address: PhysicalAddress, among families: [[PagingScheme]]
  ) throws(SpaceSearchError) -> PagingScheme {
    guard families.joined().contains(where: { scheme in canRead(root(address, scheme)) }) else {
      throw .rootOutsideDump(name: given.name, address)
    }
    let sound = families.lazy.map { $0.filter { image.couldBeRoot(root(address, $0), $0) } }.first {
      !$0.isEmpty
    }
    let possible =
      sound
      ?? families.lazy.map { $0.filter { image.holdsEntries(root(address, $0), $0) } }.first { !$0.isEmpty }
    guard let scheme = bestScheme(possible ?? [], for: { root(address, $0) }) else {
      throw .rootIsNoTable(
        name: given.name, address, scheme: families.joined().map(\.title).joined(separator: " or "))
    }
    return scheme
  }

  /// Of the schemes by which the root could be read, the one whose direct map is most convincing; where there is
  /// none (a user copy), the one that reads with the fewest oddities.
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
    RootJudgement(
      AddressSpace(name: "", root: root, scheme: scheme),
      from: options.kernelStart.map { scheme.canonical($0.value) }, in: image.memory)
  }
}
