import ArgumentParser
import Glibc
import Guests
import MemoryImages
import PageTables
import Terminal

/// A source, how to read it, and where its address spaces are: what every command takes.
struct SourceArguments: ParsableArguments {
  @Argument(
    help:
      "A memory dump: ELF core, LiME, AVML, kdump-compressed, raw, a capture; or what runs: qmp:PATH, gdb:PATH, pid:N."
  )
  var source: String

  @OptionGroup var reading: ReadingOptions
}

/// How to read a source, and where its spaces are.
struct ReadingOptions: ParsableArguments {
  @Option(
    help: "Read the source as this format (\(ImageFormat.allCases.map(\.rawValue).joined(separator: ", "))).")
  var format: String?

  @Option(help: ArgumentHelp("Raw: physical address of the first byte.", valueName: "PA"))
  var base: String?

  @Option(help: ArgumentHelp("Raw: a range that the file leaves out; repeatable.", valueName: "START..END"))
  var hole: [String] = []

  @Option(
    help: ArgumentHelp(
      "Raw: the RAM of a PC with SIZE of it below 4 GiB (2G, 3G, 0x…).", valueName: "pc:SIZE"))
  var layout: String?

  @Option(
    help: ArgumentHelp(
      "ELF core without physical addresses: where an address lies; repeatable.", valueName: "VA=PA"))
  var linear: [String] = []

  @Option(
    help: ArgumentHelp(
      "A root, used instead of those that would be found; NAME=TTBR0,TTBR1 where a space has two; repeatable.",
      valueName: "NAME=PA")
  )
  var root: [String] = []

  @Option(
    help: ArgumentHelp(
      "Roots from a file, a line NAME=PA each, as --root takes it; # begins a comment.", valueName: "FILE"))
  var roots: String?

  @Flag(help: "Search for more roots although --root names some.")
  var scan = false

  @Option(
    help: ArgumentHelp(
      "Where the kernel's part of the address space begins, such as 80000000; default: detected.",
      valueName: "VA"))
  var kernelStart: String?

  @Option(help: "The paging scheme (\(PagingSchemes.names.joined(separator: ", "))); default: detected.")
  var paging: String?

  @Option(
    help: ArgumentHelp(
      "Virtual address bits where the scheme leaves them open; N,M where two windows differ. Default: 48, or 52 where entries hold such addresses.",
      valueName: "N"))
  var vaBits: String?

  @Option(help: ArgumentHelp("AMD memory encryption: the bit that marks encrypted memory.", valueName: "N"))
  var cBit: Int?

  @Option(help: ArgumentHelp("Physical address bits (MAXPHYADDR); those above are reserved.", valueName: "N"))
  var physicalBits: Int?

  @Flag(help: "CR4.PSE is clear: 32-bit paging without large pages. Default: the registers, else set.")
  var noPse = false

  @Flag(help: "CR0.WP is clear: the supervisor may write read-only pages. Default: the registers, else set.")
  var noWp = false

  @Flag(help: "EFER.NXE is clear: no entry forbids execution. Default: the registers, else set.")
  var noNx = false

  @Option(
    help: ArgumentHelp(
      "Recognize copy-on-write leaves by the mark of this software "
        + "(\(CopyOnWriteConvention.all.map(\.name).joined(separator: ", "))).", valueName: "SOFTWARE"))
  var cow: String?

  @Flag(help: "Print how long each phase took on standard error.")
  var timings = false

  @Flag(help: "No colors, as with NO_COLOR.")
  var noColor = false

  /// Whether colors are wanted: neither `--no-color` nor `NO_COLOR` says otherwise.
  var usesColor: Bool {
    !noColor && Capabilities.wantsColor(noColor: getenv("NO_COLOR").map { String(cString: $0) })
  }

  mutating func validate() throws {
    if let format, ImageFormat(rawValue: format) == nil {
      throw ValidationError(
        "unknown format '\(format)'; known: \(ImageFormat.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let paging, PagingSchemes.named(paging) == nil {
      throw ValidationError(
        "unknown paging '\(paging)'; known: \(PagingSchemes.names.joined(separator: ", "))")
    }
    if let vaBits, addressBits == nil {
      throw ValidationError("--va-bits takes 16 to 52, or two such numbers for two windows, not '\(vaBits)'")
    }
    if let cBit, !ProcessorFeatures.encryptionBits.contains(cBit) {
      throw ValidationError("--c-bit takes 32 to 51, not \(cBit)")
    }
    if let physicalBits, !(32...52).contains(physicalBits) {
      throw ValidationError("--physical-bits takes 32 to 52, not \(physicalBits)")
    }
    if let cow, copyOnWrite == nil {
      let known = CopyOnWriteConvention.all.map(\.name).joined(separator: ", ")
      throw ValidationError("unknown convention '\(cow)' for --cow; known: \(known)")
    }
    _ = try sourceOptions()
    _ = try givenSearchOptions()
  }

  /// What of this says how a source is read, as words of a command line.
  var words: [String] {
    func option(_ name: String, _ values: [String]) -> [String] { values.flatMap { [name, $0] } }
    func option(_ name: String, _ value: String?) -> [String] { option(name, value.map { [$0] } ?? []) }
    func flag(_ name: String, _ isSet: Bool) -> [String] { isSet ? [name] : [] }
    let ofMemory =
      option("--format", format) + option("--base", base) + option("--hole", hole)
      + option("--layout", layout)
      + option("--linear", linear)
    let ofSpaces =
      option("--root", root) + option("--roots", roots) + flag("--scan", scan)
      + option("--kernel-start", kernelStart) + option("--paging", paging) + option("--va-bits", vaBits)
    let ofProcessor =
      option("--c-bit", cBit.map(String.init)) + option("--physical-bits", physicalBits.map(String.init))
      + flag("--no-pse", noPse) + flag("--no-wp", noWp) + flag("--no-nx", noNx) + option("--cow", cow)
    return ofMemory + ofSpaces + ofProcessor
  }

  /// `--va-bits`: of the lower window, or the only one, and of the upper one.
  private var addressBits: [Int]? {
    guard let vaBits else { return nil }
    let known = AArch64.usualAddressBits.lowerBound...AArch64.wideAddressBits
    let words = vaBits.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = words.compactMap { Int($0) }.filter(known.contains)
    return numbers.count == words.count && numbers.count <= 2 ? numbers : nil
  }

  private var copyOnWrite: CopyOnWriteConvention? {
    CopyOnWriteConvention.all.first { $0.name == cow }
  }

  func sourceOptions() throws -> SourceOptions {
    var options = SourceOptions(format: format.flatMap(ImageFormat.init(rawValue:)))
    if let base {
      guard let value = AddressText.parse(base) else {
        throw ValidationError("--base: '\(base)' is not an address")
      }
      options.base = value
    }
    for text in hole {
      guard let range = AddressText.parseRange(text), let start = range.first, let end = range.end,
        start < end
      else {
        throw ValidationError("--hole: '\(text)' is not a range START..END")
      }
      options.holes.append(PhysicalRange(PhysicalAddress(start), PhysicalAddress(end)))
    }
    if let layout {
      guard layout.hasPrefix("pc:"), let size = sizeInBytes(String(layout.dropFirst(3))), size > 0,
        size <= 4 << 30, size % Frame.size == 0
      else { throw ValidationError("--layout: '\(layout)' is not pc:SIZE with a SIZE up to 4G") }
      options.layoutPC = size
    }
    for text in linear {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let virtual = AddressText.parse(parts[0]),
        let physical = AddressText.parse(parts[1]), virtual % Frame.size == physical % Frame.size
      else {
        throw ValidationError("--linear: '\(text)' is not VA=PA with the same place in a page of both")
      }
      options.linear.append(LinearPlace(VirtualAddress(virtual), PhysicalAddress(physical)))
    }
    return options
  }

  /// With the roots of `--roots`, whose file is read.
  func searchOptions() throws -> SpaceSearchOptions {
    var options = try givenSearchOptions()
    if let roots { options.roots += try NamedRoot.read(roots).map(\.root) }
    return options
  }

  private func givenSearchOptions() throws -> SpaceSearchOptions {
    var options = SpaceSearchOptions()
    options.schemeName = paging
    options.scans = scan
    options.features.encryptionBit = cBit
    options.features.copyOnWrite = copyOnWrite
    options.features.virtualAddressBits = addressBits?.first
    options.upperAddressBits = addressBits?.dropFirst().first
    options.features.pageSizeExtension = !noPse
    options.features.writeProtect = !noWp
    options.features.noExecute = !noNx
    if let physicalBits { options.features.physicalAddressBits = physicalBits }
    if let kernelStart {
      guard let address = AddressText.parse(kernelStart) else {
        throw ValidationError("--kernel-start: '\(kernelStart)' is not an address")
      }
      options.kernelStart = VirtualAddress(address)
    }
    for text in root {
      guard let named = NamedRoot(text) else {
        throw ValidationError("--root: '\(text)' is not NAME=PA with a hexadecimal PA")
      }
      options.roots.append(named.root)
    }
    return options
  }

  /// `2G`, `512M`, `0x80000000`: decimal with a unit, or hexadecimal with `0x`.
  private func sizeInBytes(_ text: String) -> UInt64? {
    if text.lowercased().hasPrefix("0x") { return AddressText.parse(text) }
    return ByteText.parse(text) ?? UInt64(text)
  }
}
