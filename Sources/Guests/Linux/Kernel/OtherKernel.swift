import PageTables

/// Another Linux kernel in the memory of a guest, such as the one that captures the memory of a crashed one (kdump):
/// it has processes and spaces of its own.
package struct OtherKernel: Sendable {
  package enum Role: String, Hashable, Sendable {
    /// Was started by a crashed kernel, in memory kept for it, to save what is left.
    case capture = "capture kernel"
    /// Was running until then; its processes are as they were.
    case crashed = "crashed kernel"
    /// Nothing says which.
    case second = "second kernel"
  }

  package let role: Role
  package let guest: LinuxGuest

  /// What a space of that kernel is called.
  func title(of name: String, isKernel: Bool) -> String {
    isKernel ? role.rawValue : "\(name) (\(role.rawValue.prefix { $0 != " " }))"
  }
}
