/// A named set of roots, each with its paging scheme and the addresses that it translates.
public struct AddressSpace: Hashable, Sendable {
  /// The display name. Comes from a dump or a user: untrusted text.
  public var name: String
  /// Ordered by lowest address; at least one.
  public private(set) var windows: [AddressWindow]

  /// A space with a single root.
  public init(name: String, root: PhysicalAddress, scheme: PagingScheme) {
    self.name = name
    windows = [AddressWindow(root: root, scheme: scheme)]
  }

  /// A space of several windows. Preconditions: there is at least one, and they do not overlap.
  public init(name: String, windows: [AddressWindow]) {
    precondition(!windows.isEmpty, "a space has at least one window")
    self.name = name
    self.windows = windows.sorted { $0.first < $1.first }
  }

  /// The table at level 0 of the lowest window; its address is the space's id.
  public var root: PhysicalAddress {
    get { windows[0].root }
    set { windows[0].root = newValue }
  }

  /// The scheme of the lowest window.
  public var scheme: PagingScheme {
    get { windows[0].scheme }
    set { windows[0].scheme = newValue }
  }

  /// The scheme by which an address is translated; that of the lowest window where it lies in none.
  public func scheme(at address: VirtualAddress) -> PagingScheme {
    windows[windowOrLowest(of: address)].scheme
  }

  /// Replaces the scheme of each window.
  package mutating func mapSchemes(_ change: (PagingScheme) -> PagingScheme) {
    for number in windows.indices { windows[number].scheme = change(windows[number].scheme) }
  }

  /// Replaces the root of a window, by the window's number.
  mutating func setRoot(_ root: PhysicalAddress, ofWindow number: Int) { windows[number].root = root }

  /// The number of the window that an address lies in; nil where no root translates it.
  public func window(of address: VirtualAddress) -> Int? { windows.firstIndex { $0.contains(address) } }

  /// The same; the lowest window's where it lies in none.
  package func windowOrLowest(of address: VirtualAddress) -> Int { window(of: address) ?? 0 }
}
