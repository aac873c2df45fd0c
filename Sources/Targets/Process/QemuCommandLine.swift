/// What the command line of a QEMU process says about the guest's memory.
struct QemuCommandLine: Hashable, Sendable {
  let arguments: [String]

  init(arguments: [String]) { self.arguments = arguments }

  /// Nil, with the reason in `errno`, where the system does not tell; kernel threads have none.
  init?(process: Int32) {
    guard let bytes = SystemFiles.bytes("/proc/\(process)/cmdline") else { return nil }
    arguments = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast(bytes.last == 0 ? 1 : 0)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// The program's name, without its folder.
  var program: String { arguments.first.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "" }

  var isQemu: Bool { program.contains("qemu") || program == "kvm" }
}
