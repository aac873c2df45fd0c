import PageTables

/// Where a PC of QEMU has its RAM, as its command line says; other machines have it in one piece.
struct GuestLayout: Hashable, Sendable {
  /// A block of RAM, in the order in which the machine lays them out.
  struct Backend: Hashable, Sendable {
    var size: UInt64
    /// The file that it is kept in; nil where there is none with a name.
    var path: String?
  }

  var backends: [Backend]
  /// Where RAM ends below 4 GiB; the rest follows at 4 GiB. Nil: all of it lies in one piece, at `start`.
  var lowEnd: UInt64?
  var start: UInt64 = 0
  /// What covers RAM: a video card, or firmware.
  var holes = PhysicalRanges([])

  private static let gib: UInt64 = 1 << 30
  private static let fourGib: UInt64 = 4 << 30

  init(_ line: QemuCommandLine) {
    let machine = line.options("machine") + line.options("M")
    let type = machine.compactMap { $0["type"] ?? $0[""] }.last ?? ""
    let objects = line.options("object").filter {
      ($0[""] ?? $0["qom-type"] ?? "").hasPrefix("memory-backend-")
    }
    func backend(_ name: String) -> Backend? {
      guard let object = objects.first(where: { $0["id"] == name }),
        let size = object["size"].flatMap(Self.size)
      else { return nil }
      return Backend(size: size, path: object["mem-path"])
    }
    let nodes = line.options("numa").filter { $0[""] == "node" || $0["type"] == "node" }
    // In the order of their numbers, or else as given.
    let numbered = nodes.enumerated().sorted {
      (Int($0.element["nodeid"] ?? "") ?? $0.offset) < (Int($1.element["nodeid"] ?? "") ?? $1.offset)
    }
    let ofNodes = numbered.compactMap { $0.element["memdev"].flatMap(backend) }
    if !ofNodes.isEmpty {
      backends = ofNodes
    } else if let name = machine.compactMap({ $0["memory-backend"] }).last, let only = backend(name) {
      backends = [only]
    } else {
      let memory = line.options("m").compactMap { $0["size"] ?? $0[""] }.last
      backends = [Backend(size: memory.flatMap { Self.size($0, unit: 1 << 20) } ?? 128 << 20, path: nil)]
    }

    let total = backends.reduce(UInt64(0)) { $0.saturatingAdding($1.size) }
    switch line.architecture {
    case "x86_64", "i386", nil:
      lowEnd = Self.lowEnd(type, total: total)
      if let most = machine.compactMap({ $0["max-ram-below-4g"].flatMap(Self.size) }).last, let end = lowEnd {
        lowEnd = min(end, most)
      }
      if type.hasPrefix("microvm") {
        holes = Self.hole(0xf_0000, 0x10_0000)
      } else if line.hasVideoCard {
        holes = Self.hole(0xa_0000, 0xc_0000)
      }
    case "aarch64", "arm": start = Self.gib
    case "riscv64", "riscv32": start = 2 * Self.gib
    default: break
    }
  }

  /// As `pc_init1`, `pc_q35_init` and `microvm_memory_init` have it (hw/i386 in QEMU).
  private static func lowEnd(_ type: String, total: UInt64) -> UInt64 {
    if type.contains("q35") { return total >= 0xb000_0000 ? 2 * gib : 0xb000_0000 }
    return type.hasPrefix("microvm") || total >= 0xe000_0000 ? 3 * gib : 0xe000_0000
  }

  private static func hole(_ start: UInt64, _ end: UInt64) -> PhysicalRanges {
    PhysicalRanges([PhysicalRange(PhysicalAddress(start), PhysicalAddress(end))])
  }

  /// Where each backend's bytes lie: the backend, the offset in it, and the range.
  var places: [(backend: Int, offset: UInt64, range: PhysicalRange)] {
    var places: [(backend: Int, offset: UInt64, range: PhysicalRange)] = []
    var position: UInt64 = 0
    for (index, backend) in backends.enumerated() {
      var offset: UInt64 = 0
      while offset < backend.size {
        let low = lowEnd ?? .max
        let isLow = position < low
        let length = isLow ? min(backend.size - offset, low - position) : backend.size - offset
        let (first, overflow) =
          isLow
          ? start.addingReportingOverflow(position)
          : Self.fourGib.addingReportingOverflow(position - low)
        guard !overflow, length <= .max - first else { return places }
        places.append(
          (index, offset, PhysicalRange(PhysicalAddress(first), PhysicalAddress(first + length))))
        offset += length
        position += length
      }
    }
    return places
  }

  /// A size as QEMU writes it: "512", "2G", "0x1000"; nil where it is none.
  private static func size(_ text: String) -> UInt64? { size(text, unit: 1) }

  private static func size(_ text: String, unit: UInt64) -> UInt64? {
    let units: [Character: UInt64] = [
      "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50,
    ]
    var digits = text.lowercased()
    var factor = unit
    if !digits.hasPrefix("0x"), let last = digits.last, let known = units[last] {
      factor = known
      digits.removeLast()
    }
    let value = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    if let value {
      let (size, overflow) = value.multipliedReportingOverflow(by: factor)
      return overflow ? nil : size
    }
    guard let fraction = Double(digits), fraction > 0, fraction * Double(factor) < 0x1p60 else { return nil }
    return UInt64(fraction * Double(factor))
  }
}

extension UInt64 {
  fileprivate func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
