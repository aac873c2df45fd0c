/// What the command line of a QEMU process says.
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

  /// The part of the program's name after "qemu-system-"; nil for others, which run this machine's architecture.
  var architecture: String? {
    let prefix = "qemu-system-"
    return program.range(of: prefix).map { String(program[$0.upperBound...]) }
  }

  /// The values of all options `-name` or `--name`, each cut at its commas: `key=value`; what has no key is under "". A
  /// value in JSON is read, too.
  func options(_ name: String) -> [[String: String]] {
    zip(arguments, arguments.dropFirst()).filter { $0.0 == "-" + name || $0.0 == "--" + name }.map {
      Self.members($0.1)
    }
  }

  /// Whether QEMU puts a video card into the machine: by default it does.
  var hasVideoCard: Bool {
    let isCard = options("device").contains { device in
      let driver = device[""] ?? device["driver"] ?? ""
      return driver == "VGA" || driver.hasSuffix("-vga") || driver == "vmware-svga"
    }
    if isCard { return true }
    if let chosen = options("vga").last?[""] { return chosen != "none" }
    return !arguments.contains { $0 == "-nodefaults" || $0 == "--nodefaults" }
  }

  /// A comma that is doubled belongs to the value.
  private static func members(_ text: String) -> [String: String] {
    var members: [String: String] = [:]
    if text.hasPrefix("{"), case .object(let object)? = JsonValue(Array(text.utf8)) {
      for (name, value) in object {
        switch value {
        case .string(let text), .number(let text): members[name] = text
        case .bool(let value): members[name] = value ? "on" : "off"
        default: break
        }
      }
      return members
    }
    var parts = [""]
    var rest = Substring(text)
    while let character = rest.popFirst() {
      if character == ",", rest.first != "," {
        parts.append("")
      } else {
        if character == "," { rest.removeFirst() }
        parts[parts.count - 1].append(character)
      }
    }
    for part in parts {
      if let equals = part.firstIndex(of: "=") {
        members[String(part[..<equals])] = String(part[part.index(after: equals)...])
      } else if members[""] == nil {
        members[""] = part
      }
    }
    return members
  }
}
