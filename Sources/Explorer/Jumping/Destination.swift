import Guests
import PageTables

/// Where a text after `g` leads.
enum Destination {
  case address(Place)
  /// A space itself, and how many others are called so.
  case space(Int, others: Int)
  case physical(PhysicalAddress, spaceNumber: Int)
  /// What the guest calls the addresses of a space has to be read first.
  case awaitsNames(spaceNumber: Int)
  /// Nowhere: why, and what comes nearest, which Tab takes instead.
  case nowhere(String, suggestion: String? = nil)

  /// What is added to a reason where no key can be pressed: in the status line, in a script, in a shell.
  static func nearest(_ suggestion: String?) -> String { suggestion.map { "; nearest: \($0)" } ?? "" }

  /// A virtual address of a space.
  struct Place {
    let spaceNumber: Int
    var address: VirtualAddress
    /// The region that was meant as a whole.
    var region: NamedRegion?
    /// What a person should know besides: `3 more with that name at higher addresses`.
    var remark = ""
  }
}

extension Explorer {
  /// Takes a text after `g` apart and looks up what it names.
  ///
  /// - Parameters:
  ///   - spaceNumber: the space that it is about where it names none.
  ///   - namesSpace: whether it may name one.
  func destination(of text: String, in spaceNumber: Int, namesSpace: Bool = true) -> Destination {
    let text = text.trimmed
    guard namesSpace, let named = spacePrefix(of: text) else {
      return whole(text, in: spaceNumber, mayBeSpace: namesSpace)
    }
    if named.rest.isEmpty { return .space(named.spaceNumber, others: named.others) }
    let result = whole(named.rest, in: named.spaceNumber, mayBeSpace: false)
    guard case .nowhere(let why, let suggestion?) = result else { return result }
    return .nowhere(why, suggestion: named.prefix + suggestion)
  }

  // MARK: Spaces

  /// The space that a text begins with, up to a colon, and what follows it: `shell:400000`, `pid:8`, `8:400000`.
  func spacePrefix(of text: String) -> (spaceNumber: Int, others: Int, prefix: String, rest: String)? {
    var start = text.startIndex
    while let colon = text[start...].firstIndex(of: ":") {
      let name = String(text[..<colon]).trimmed
      let rest = String(text[text.index(after: colon)...]).trimmed
      if name.lowercased() == "pid" {
        let digits = rest.prefix { $0 != ":" }
        guard let pid = Int(String(digits).trimmed),
          let number = preferred(tree.spaces.indices.filter { tree.spaces[$0].hasProcess(pid) })
        else { return nil }
        let behind = rest.dropFirst(digits.count).drop { $0 == ":" }
        let prefix = text[..<text.index(text.endIndex, offsetBy: -behind.count)]
        return (number, 0, String(prefix), String(behind).trimmed)
      }
      // `p:` is a physical address, whatever is called so.
      if physicalDigits(text[...colon].description) == nil, let found = space(called: name) {
        return (found.number, found.others, String(text[...colon]), rest)
      }
      start = text.index(after: colon)
    }
    return nil
  }

  /// The space that has a name, with or without its pid, a pid, or a root; and how many others have it.
  func space(called name: String) -> (number: Int, others: Int)? {
    let name = name.lowercased()
    guard !name.isEmpty else { return nil }
    let root = AddressText.parse(name)
    // A sign before it makes it a distance.
    let pid = name.allSatisfy(\.isWholeNumber) ? Int(name) : nil
    for isMeant: (TreeSpace) -> Bool in [
      { $0.isCalled(name) }, { space in pid.map(space.hasProcess) ?? false }, { $0.root.value == root },
      // As the commands' --space takes it: cpu0.
      { $0.found.isOnCPU && $0.found.foundBy.filter { $0 != " " } == name },
    ] {
      let found = tree.spaces.indices.filter { isMeant(tree.spaces[$0]) }
      if let number = preferred(found) { return (number, found.count - 1) }
    }
    return nil
  }

  /// Of several spaces the selected one, or else the first that is listed.
  private func preferred(_ numbers: [Int]) -> Int? {
    selectedRow.flatMap { row in numbers.first { $0 == Int(row.space) } } ?? numbers.first
  }

  // MARK: Addresses

  /// What a whole text stands for, its space known.
  private func whole(_ text: String, in spaceNumber: Int, mayBeSpace: Bool) -> Destination {
    let joined = text.filter { $0 != " " }
    if let digits = physicalDigits(joined) {
      guard let address = AddressText.parse(digits) else {
        return .nowhere("'\(digits)' is not an address")
      }
      return .physical(PhysicalAddress(address), spaceNumber: spaceNumber)
    }
    let result = expression(text, in: spaceNumber, mayBeSpace: mayBeSpace)
    guard case .address(let named) = result else { return result }
    let place = untagged(named)
    let space = tree.spaces[place.spaceNumber].found.space
    guard space.window(of: place.address) == nil else { return .address(place) }
    let scheme = space.scheme
    let nearest = Numbers.grouped(space.nearestTranslated(to: place.address), in: scheme)
    let what = place.remark.isEmpty ? "" : "\(place.remark), \(Numbers.hex(place.address.value)), is "
    let why = space.reasonForNoWindow(of: place.address) { Numbers.grouped($0, in: scheme) }
    return .nowhere(
      what + (why ?? (scheme.isSignExtended ? "not canonical" : "too large for \(scheme.title)")),
      suggestion: space.missingRoot(for: place.address) == nil ? nearest : nil)
  }

  /// The same place where its address is a pointer that holds more than that.
  private func untagged(_ named: Destination.Place) -> Destination.Place {
    let pointed = tree.spaces[named.spaceNumber].found.space.pointed(at: named.address, in: memory)
    guard let remark = pointed.remark else { return named }
    var place = named
    place.address = pointed.address
    place.remark = [named.remark, remark].filter { !$0.isEmpty }.joined(separator: ", ")
    return place
  }

  /// The digits behind `p:`.
  private func physicalDigits(_ text: String) -> String? {
    for prefix in ["p:", "pa:", "pa=", "P:", "PA:"] where text.hasPrefix(prefix) {
      return String(text.dropFirst(prefix.count))
    }
    return nil
  }

  private func expression(_ text: String, in spaceNumber: Int, mayBeSpace: Bool) -> Destination {
    let joined = text.filter { $0 != " " }
    if joined.hasPrefix("*") { return pointer(String(joined.dropFirst()), in: spaceNumber) }
    if let row = selectedRow, joined.hasPrefix("+") || joined.hasPrefix("-"),
      let parts = TypedAddress.parts(of: joined), parts.base.isEmpty
    {
      return address(parts.offset, from: virtualAddress(of: row).value, Destination.Place(spaceNumber), text)
    }
    if let number = AddressText.parse(joined) {
      return .address(Destination.Place(spaceNumber, VirtualAddress(number)))
    }
    if let found = register(joined, in: spaceNumber, isOfItsSpace: mayBeSpace) { return found }
    return named(text, in: spaceNumber, mayBeSpace: mayBeSpace)
  }

  private func address(
    _ offset: TypedAddress.Offset, from start: UInt64, _ place: Destination.Place, _ text: String
  ) -> Destination {
    guard let value = offset.from(start) else { return .nowhere("'\(text)' does not fit into 64 bits") }
    var place = place
    place.address = VirtualAddress(value)
    return .address(place)
  }

  /// What a register holds, of the CPU's own space where no other is named.
  private func register(_ text: String, in spaceNumber: Int, isOfItsSpace: Bool) -> Destination? {
    guard let parts = TypedAddress.parts(of: text) else { return nil }
    switch registers.answer(to: parts.base) {
    case .noRegister: return nil
    case .noSuchCPU(let number):
      let count = registers.count
      return .nowhere(
        "there is no CPU \(number): the source has registers of \(count == 1 ? "CPU 0" : "CPUs 0 to \(count - 1)")"
      )
    case .register(let register, let cpu, let roots):
      func space(ofRoot root: UInt64) -> Int? {
        tree.spaces.indices.first { tree.spaces[$0].hasRoot(inRegister: root) }
      }
      if register.holdsRoot, parts.offset == .none {
        if let own = space(ofRoot: register.value) { return .space(own, others: 0) }
        return .nowhere("no space is known with the root of CPU \(cpu), \(Numbers.hex(register.value))")
      }
      let own = roots.lazy.compactMap(space).first
      var place = Destination.Place(isOfItsSpace ? own ?? spaceNumber : spaceNumber)
      place.remark = "\(register.name) of CPU \(cpu)"
      return address(parts.offset, from: register.value, place, text)
    }
  }

  /// The pointer that lies at an address, read through the space's own tables.
  private func pointer(_ text: String, in spaceNumber: Int) -> Destination {
    guard !text.isEmpty else { return .nowhere("* takes an address: the pointer there is followed") }
    // A line of stars is followed as far as anybody could mean it.
    guard text.prefix(9) != "*********" else { return .nowhere("too many *") }
    let result = expression(text, in: spaceNumber, mayBeSpace: true)
    guard case .address(let named) = result else {
      if case .space = result { return .nowhere("'\(text)' is no address that a pointer could lie at") }
      return result
    }
    let place = untagged(named)
    let space = tree.spaces[place.spaceNumber].found.space
    let scheme = space.scheme(at: place.address)
    let name = Numbers.grouped(place.address, in: scheme)
    guard space.window(of: place.address) != nil else { return .nowhere("\(name) is not canonical") }
    var value: UInt64 = 0
    for byte in 0..<scheme.pointerBytes {
      let translation = space.translate(place.address.advanced(by: UInt64(byte)), in: memory)
      guard let page = translation.page else {
        return .nowhere("no pointer can be read at \(name): nothing is mapped there")
      }
      guard page.isInDump, let read = try? memory.read(at: page.physical, size: 1) else {
        return .nowhere("no pointer can be read at \(name): its page is not in the dump")
      }
      value |= read << UInt64(8 * byte)
    }
    return .address(
      Destination.Place(place.spaceNumber, VirtualAddress(value), remark: "the pointer at \(name)"))
  }
}

extension Destination.Place {
  init(_ spaceNumber: Int, _ address: VirtualAddress = VirtualAddress(0), remark: String = "") {
    self.spaceNumber = spaceNumber
    self.address = address
    self.remark = remark
  }
}

extension PagingScheme {
  /// Bytes of a pointer in a space of this scheme.
  fileprivate var pointerBytes: Int { virtualAddressBits > 32 ? 8 : 4 }
}

extension TreeSpace {
  /// Whether a process with this pid uses the space.
  fileprivate func hasProcess(_ pid: Int) -> Bool {
    found.pid == pid || otherProcesses.contains { $0.pid == pid }
  }

  /// Whether a root register with this value leads here.
  fileprivate func hasRoot(inRegister value: UInt64) -> Bool { scheme.rootAddress.address(in: value) == root }
}

extension String {
  /// Without blanks around it.
  var trimmed: String {
    var text = self[...]
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
