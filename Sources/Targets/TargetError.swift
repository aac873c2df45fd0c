import MemoryImages

/// Why a target cannot be opened or asked. All of them begin with the target's name, as typed.
package enum TargetError: Error, Hashable {
  case noSuchSocket(String)
  case noSuchHost(String)
  case noPermission(String)
  case refused(String)
  /// The name is none of the forms that its kind has; what they are.
  case badName(String, expected: String)
  /// The system refused an operation; `reason` is the system's own text.
  case system(String, operation: String, reason: String)
  /// Somebody accepts the connection and says nothing: another client is being served, or the server is busy.
  case busy(String, server: String)
  /// What listens there talks, but not in this language.
  case notSpoken(String, language: String)
  /// It does not answer any more.
  case silent(String)
  case wentAway(String)
  /// The target understood, and refuses.
  case rejected(String, command: String, reason: String)
  case noMemoryFound(String, reason: String)
  case noSuchProcess(String)
  /// The process cannot be read by this user.
  case processForbidden(String)
  case notAGuest(String, program: String)
  case unsupported(String, feature: String)
}

extension TargetError: CustomStringConvertible {
  /// One line: where, what failed, and what to do.
  package var description: String {
    let line =
      switch self {
      case .noSuchSocket(let name): "\(name): no such socket; is the guest running, and the path right?"
      case .noSuchHost(let name): "\(name): no such host; check its name"
      case .noPermission(let name): "\(name): no permission; become the user that the guest runs as, or root"
      case .refused(let name): "\(name): nobody listens there; has the guest ended?"
      case .badName(let name, let expected): "\(name): expected \(expected)"
      case .system(let name, let operation, let reason): "\(name): cannot \(operation): \(reason)"
      case .busy(let name, let server):
        "\(name): no answer: another client holds \(server), or QEMU is busy; disconnect that client, give the guest a "
          + "second one, or try again"
      case .notSpoken(let name, let language): "\(name): what answers there is no \(language)"
      case .silent(let name): "\(name): does not answer any more; is the guest's process stopped?"
      case .wentAway(let name): "\(name): went away; the guest has ended, or closed the connection"
      case .rejected(let name, let command, let reason): "\(name): \(command): \(reason)"
      case .noMemoryFound(let name, let reason): "\(name): no RAM found: \(reason)"
      case .noSuchProcess(let name): "\(name): no such process"
      case .processForbidden(let name):
        "\(name): this user may not read the process's memory; become its user or root, "
          + "and see kernel.yama.ptrace_scope"
      case .notAGuest(let name, let program):
        "\(name): is \(program), no QEMU; give the number of a QEMU or KVM process"
      case .unsupported(let name, let feature): "\(name): \(feature)"
      }
    return oneLine(line)
  }
}
