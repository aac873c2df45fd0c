/// In what the rights of a path differ from those that all its entries allow: a plain value for hot loops.
struct RightsAdjustment: Sendable {
  /// Whether the supervisor may write what entries make read-only.
  let supervisorWritesReadOnly: Bool
  /// Whether the supervisor may not execute what the user may write.
  let userWritableIsNeverExecutedBySupervisor: Bool

  /// The rights of a path without those that it cannot have beside the others.
  @inline(__always)
  func withoutForbidden(_ path: Rights) -> Rights {
    userWritableIsNeverExecutedBySupervisor && path.contains(.userWrite) ? path.subtracting(.execute) : path
  }

  /// The rights that a path gives whose entries all allow `path`.
  @inline(__always)
  func granted(by path: Rights) -> Rights {
    supervisorWritesReadOnly ? withoutForbidden(path).union(.write) : withoutForbidden(path)
  }
}

extension PagingScheme {
  /// What the scheme adds to the rights of paths, and takes from them.
  var rightsAdjustment: RightsAdjustment {
    RightsAdjustment(
      supervisorWritesReadOnly: supervisorWritesReadOnly,
      userWritableIsNeverExecutedBySupervisor: userWritableIsNeverExecutedBySupervisor)
  }

  /// What may be done with a page whose path allows `path`: where write protection does not bind the supervisor, it
  /// may also write read-only pages; the user never may. Where the supervisor does not execute what the user may
  /// write, that is taken away.
  public func granted(by path: Rights) -> Rights { rightsAdjustment.granted(by: path) }
}
