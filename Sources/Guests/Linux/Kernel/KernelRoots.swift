import PageTables

extension LinuxGuest {
  /// Roots that the kernel keeps besides its own and its processes', each with the kernel's name for it: the space
  /// through which it patches its own text, that of the firmware's services, those that it and its processors start with.
  ///
  /// Empty where its symbols are not known; without its types, those that a symbol stands for.
  package func kernelRoots() -> [PhysicalAddress: String] {
    guard let symbols else { return [:] }
    var roots: [PhysicalAddress: String] = [:]
    func add(_ root: PhysicalAddress?, _ name: String) {
      if let root, root != kernel.root, roots[root] == nil { roots[root] = name }
    }
    for name in LinuxArchitecture.earlyRootSymbols {
      add(symbols.address(of: name).flatMap { reader.physical(of: $0) }, name)
    }
    guard let types else { return roots }
    if let pgd = types.offset(of: "pgd", in: "mm_struct") {
      func root(ofMemory address: UInt64) -> PhysicalAddress? {
        reader.pointer(at: address &+ UInt64(pgd)).flatMap { $0 == 0 ? nil : reader.physical(of: $0) }
      }
      if let efi = symbols.address(of: "efi_mm") { add(root(ofMemory: efi), "efi_mm") }
      // The same under its name until 6.15, and since.
      for name in ["poking_mm", "text_poke_mm"] {
        if let poking = symbols.address(of: name).flatMap({ reader.pointer(at: $0) }), poking != 0 {
          add(root(ofMemory: poking), name)
        }
      }
    }
    // The real-mode code's header holds a physical address.
    if let offset = types.offset(of: "trampoline_pgd", in: "real_mode_header"),
      let header = symbols.address(of: "real_mode_header").flatMap({ reader.pointer(at: $0) }), header != 0,
      let root = reader.unsigned(at: header &+ UInt64(offset), size: 4), root != 0
    {
      add(PhysicalAddress(root), "trampoline_pgd")
    }
    return roots
  }
}
