import MemoryImages
import PageTables

extension CPUState {
  /// The paging scheme that the control registers select (Intel SDM Vol. 3A, 4.1.1); nil while paging is off.
  ///
  /// - Parameter isLongMode: from the machine's type or an examination of the tables, where the notes hold no EFER.
  func schemeName(isLongMode: Bool) -> String? {
    guard isPagingOn else { return nil }
    guard cr4 >> 5 & 1 == 1 else { return "x86-32" }
    guard isLongMode else { return "x86-pae" }
    return cr4 >> 12 & 1 == 1 ? "x86-64-la57" : "x86-64"
  }

  /// The modes that are possible given the registers, the likelier first; `true` is IA-32e mode. EFER.LMA and
  /// 64-bit code are conclusive; everything else may concern another CPU (QEMU names the machine after its first
  /// CPU) or none, so the tables decide.
  func modes(of machine: Machine?) -> [Bool] {
    if let extendedFeatures { return [extendedFeatures >> 10 & 1 == 1] }
    if runs64BitCode { return [true] }
    return machine == .i386 ? [false, true] : [true, false]
  }

  /// CR0.PG.
  var isPagingOn: Bool { cr0 >> 31 & 1 == 1 }

  /// The root in CR3, as a scheme reads the register.
  func root(in scheme: PagingScheme) -> PhysicalAddress { scheme.rootAddress.address(in: cr3) }

  /// CR4.PSE; without it 32-bit paging has no large pages.
  var hasPageSizeExtension: Bool { cr4 >> 4 & 1 == 1 }
  /// CR0.WP; without it the supervisor may write read-only pages.
  private var hasWriteProtect: Bool { cr0 >> 16 & 1 == 1 }
  /// EFER.NXE; without it bit 63 of an entry is reserved. Nil where the dump does not say.
  private var hasNoExecute: Bool? { extendedFeatures.map { $0 >> 11 & 1 == 1 } }

  /// The features for all tables of a machine, from the registers of its CPUs and the options of a person. A
  /// feature that one CPU uses applies to the whole machine: spaces are shared between CPUs.
  static func features(of cpus: [CPUState], _ given: ProcessorFeatures) -> ProcessorFeatures {
    var features = given
    let paging = cpus.filter(\.isPagingOn)
    func lacks(_ feature: (CPUState) -> Bool?) -> Bool {
      let known = paging.compactMap(feature)
      return !known.isEmpty && !known.contains(true)
    }
    if lacks(\.hasPageSizeExtension) { features.pageSizeExtension = false }
    if lacks(\.hasWriteProtect) { features.writeProtect = false }
    if lacks(\.hasNoExecute) { features.noExecute = false }
    // Where processors differ, a number has no one name.
    let attributes = Set(cpus.flatMap { $0.translation.filter { $0.name == "mair_el1" } }.map(\.value))
    if attributes.count == 1 { features.memoryAttributes = attributes.first }
    return features
  }
}

extension MemoryImage {
  /// The scheme that CPU `state` uses, from its registers, the machine's type, and its root; nil for one that is none of
  /// x86's.
  func scheme(of state: CPUState, _ options: SpaceSearchOptions) -> PagingScheme? {
    guard state.isOfX86 else { return nil }
    var features = options.features
    features.pageSizeExtension = features.pageSizeExtension && state.hasPageSizeExtension
    if let name = options.schemeName { return PagingSchemes.named(name, features) }
    let schemes = state.modes(of: machine).compactMap { isLong in
      state.schemeName(isLongMode: isLong).flatMap { PagingSchemes.named($0, features) }
    }
    return schemes.first { couldBeRoot(state.root(in: $0), $0) } ?? schemes.first
  }
}
