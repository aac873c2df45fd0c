import PageTables

extension LinuxGuest {
  /// Roots that the kernel has besides its own and those of processes, each with the kernel's name for it: those of
  /// the space through which it patches its own text, of the firmware's services, and those with which it and its
  /// processors start.
  ///
  /// Empty without the kernel's symbols; without type information, only those that a symbol names.
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
      // The same variable, under its names up to 6.15 and since then.
      for name in ["poking_mm", "text_poke_mm"] {
        if let poking = symbols.address(of: name).flatMap({ reader.pointer(at: $0) }), poking != 0 {
          add(root(ofMemory: poking), name)
        }
      }
    }
    // The header of the real-mode code holds a physical address.
    if let offset = types.offset(of: "trampoline_pgd", in: "real_mode_header"),
      let header = symbols.address(of: "real_mode_header").flatMap({ reader.pointer(at: $0) }), header != 0,
      let root = reader.unsigned(at: header &+ UInt64(offset), size: 4), root != 0
    {
      add(PhysicalAddress(root), "trampoline_pgd")
    }
    return roots
  }
}
