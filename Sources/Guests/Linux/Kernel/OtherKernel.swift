import PageTables

/// Another Linux kernel in the memory of a guest, with processes and spaces of its own; for example the one that
/// captures the memory of a crashed kernel (kdump).
package struct OtherKernel: Sendable {
  package enum Role: String, Hashable, Sendable {
    /// Was started by a crashed kernel, in memory reserved for it, to save the memory.
    case capture = "capture kernel"
    /// Ran until then; its processes are as they were at the crash.
    case crashed = "crashed kernel"
    /// Its role is unknown.
    case second = "second kernel"
  }

  package let role: Role
  package let guest: LinuxGuest

  /// The title of a space of that kernel.
  func title(of name: String, isKernel: Bool) -> String {
    isKernel ? role.rawValue : "\(name) (\(role.rawValue.prefix { $0 != " " }))"
  }
}
