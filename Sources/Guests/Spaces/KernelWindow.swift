import PageTables

/// Where the kernel has a window of its own, its space has that one alone, and a process's has both.
extension AddressSpace {
  /// The kernel's own space: of the upper window where a scheme has two, of all addresses where it has one.
  init(kernel name: String, root: PhysicalAddress, scheme: PagingScheme) {
    if scheme.upperRootRegister == nil {
      self.init(name: name, root: root, scheme: scheme)
    } else {
      self.init(name: name, windows: [AddressWindow(upperRoot: root, scheme: scheme)])
    }
  }

  /// The space of a process, given its own root.
  ///
  /// - Parameter kernel: a space that has the kernel's part.
  init(process name: String, root: PhysicalAddress, scheme: PagingScheme, kernel: AddressSpace) {
    let own = AddressWindow(root: root, scheme: scheme)
    let upper = scheme.upperRootRegister == nil ? nil : kernel.kernelPart
    self.init(name: name, windows: [own] + (upper.map { [$0] } ?? []))
  }

  /// The window with the kernel's part: the only one, or the upper of two; nil where the space has the lower one
  /// alone.
  var kernelPart: AddressWindow? {
    windows.first { $0.scheme.upperRootRegister == nil || $0.first == $0.scheme.firstAddressOfUpperWindow }
  }

  /// Whether it has the user's part: the only window, or the lower of two.
  var hasUserPart: Bool { windows[0].scheme.upperRootRegister == nil || windows[0].first.value == 0 }
}
