import Canvas
import Guests
import PageTables

/// A window of a space, as `pagewalk spaces` lists it.
package struct WindowRecord: Codable, Hashable, Sendable {
  package let root: Hex
  /// The register that holds the root: `TTBR0_EL1`.
  package let register: String
  /// The lowest address.
  package let va: Hex
  package let length: UInt64
  package let scheme: String

  init(_ window: AddressWindow) {
    root = Hex(window.root)
    register = window.rootRegister
    va = Hex(window.first)
    length = window.translatedBytes
    scheme = window.scheme.name
  }
}

/// An address space, as `pagewalk spaces` lists it.
package struct SpaceRecord: Record {
  package let name: String
  package let pid: Int?
  package let root: Hex
  package let scheme: String
  package let foundBy: String
  /// Where name and pid come from: `tasks`, `inferred`, `symbols`, or nil.
  package let namedBy: FoundSpace.NameOrigin?
  /// All processes that use it; for the kernel's own space, the kernel's threads.
  package let processes: [SpaceProcess]
  /// The arguments that its process was started with; nil where they cannot be read.
  package let command: [String]?
  /// The number of threads of all its processes, or of the kernel; nil where no guest provided it.
  package let threads: Int?
  /// True where the guest's processes are known, but neither they nor the kernel use the space.
  package let unowned: Bool?
  /// The kernel that it belongs to, if that is not the guest's own.
  package let otherKernel: String?
  /// Distinct tables that the space reaches, including the root.
  package let tables: Int
  /// Those of these tables that another listed space also reaches.
  package let sharedTables: Int
  /// Bytes mapped, counted once per path; saturating at 2^64 - 1.
  package let bytesMapped: UInt64
  /// Bytes that its leaves map for the user, counted once per path; those of them that are distinct memory; the sum of
  /// what each mapping's part of its memory is; and those that nothing else maps. Saturating.
  package let userBytes: UInt64
  package let residentBytes: UInt64
  package let proportionalBytes: UInt64
  package let privateBytes: UInt64
  /// Bytes whose entries refer to swap space; nil where nothing tells which entries do.
  package let swappedBytes: UInt64?
  /// Those of the tables that no other space reaches, except for the pair's other copy.
  package let ownTables: Int
  /// Mirrors of its user mappings, those of the kernel's image left out; of the kernel's own space, those that it made.
  package let mirrors: Int
  /// False where the tables map more than could be counted.
  package let complete: Bool?
  package let stale: Bool
  /// The windows, lowest first; nil where one root translates all addresses.
  package let windows: [WindowRecord]?
  /// `kernel` or `user` under page-table isolation.
  package let copy: String?
  /// The root of the pair's other copy.
  package let pairedRoot: Hex?

  /// - Parameters:
  ///   - memory: what its user half uses.
  ///   - users: the guest's data about processes; nil without a guest, or where there is only a capture's list.
  package init(
    _ found: FoundSpace, tables: Int, sharedTables: Int, bytesMapped: UInt64, memory: SpaceMemory,
    mirrors: Int, users: SpaceUsers? = nil
  ) {
    command = users?.command(of: found)
    threads = users?.threads(of: found)
    otherKernel = found.otherKernel?.rawValue
    unowned = found.isUnowned ? true : nil
    name = found.space.name
    pid = found.pid
    root = Hex(found.space.root)
    scheme = found.space.scheme.name
    foundBy = found.foundBy
    namedBy = found.namedBy
    processes = found.processes
    self.tables = tables
    self.sharedTables = sharedTables
    self.bytesMapped = bytesMapped
    userBytes = memory.userBytes
    residentBytes = memory.residentBytes
    proportionalBytes = memory.proportionalBytes
    privateBytes = memory.privateBytes
    swappedBytes = memory.swappedBytes
    ownTables = memory.ownTables
    self.mirrors = mirrors
    complete = memory.isComplete ? nil : false
    stale = found.isPossiblyStale
    windows =
      found.space.windows.allSatisfy { $0.scheme.upperRootRegister == nil }
      ? nil : found.space.windows.map(WindowRecord.init)
    switch found.isolation {
    case .none:
      copy = nil
      pairedRoot = nil
    case .kernelCopy(let user):
      copy = "kernel"
      pairedRoot = Hex(user)
    case .userCopy(let kernel):
      copy = "user"
      pairedRoot = Hex(kernel)
    }
  }

  package func write(to json: inout JSONLine) {
    json.field("name", name)
    json.field("pid", pid)
    json.field("root", root)
    json.field("scheme", scheme)
    json.field("foundBy", foundBy)
    json.field("namedBy", namedBy?.rawValue)
    json.field("processes", processes) { json, process in
      json.field("pid", process.pid)
      json.field("name", process.name)
    }
    if let command { json.field("command", command) }
    if let threads { json.field("threads", threads) }
    if let otherKernel { json.field("otherKernel", otherKernel) }
    if let unowned { json.field("unowned", unowned) }
    json.field("tables", tables)
    json.field("sharedTables", sharedTables)
    json.field("bytesMapped", bytesMapped)
    json.field("userBytes", userBytes)
    json.field("residentBytes", residentBytes)
    json.field("proportionalBytes", proportionalBytes)
    json.field("privateBytes", privateBytes)
    if let swappedBytes { json.field("swappedBytes", swappedBytes) }
    json.field("ownTables", ownTables)
    json.field("mirrors", mirrors)
    if let complete { json.field("complete", complete) }
    json.field("stale", stale)
    if let copy { json.field("copy", copy) }
    if let pairedRoot { json.field("pairedRoot", pairedRoot) }
    if let windows {
      json.field("windows", windows) { json, window in
        json.field("root", window.root)
        json.field("register", window.register)
        json.field("va", window.va)
        json.field("length", window.length)
        json.field("scheme", window.scheme)
      }
    }
  }

  /// What a usual line needs of them fits in 120 cells.
  package static var columns: [Column] {
    [
      Column("ROOT", width: 12), Column("NAME", width: 16), Column("PID", width: 6, rightAligned: true),
      Column("SCHEME", width: 11), Column("MAPPED", width: 6, rightAligned: true),
      Column("RSS", width: 5, rightAligned: true), Column("PSS", width: 5, rightAligned: true),
      Column("PRIV", width: 5, rightAligned: true),
      Column("SWAP", width: 5, rightAligned: true), Column("TABLES", width: 6, rightAligned: true),
      Column("OWN", width: 4, rightAligned: true), Column("FOUND BY", width: 13),
      Column("COMMAND", width: 15),
    ]
  }

  package var cells: [String] {
    var how = printable(foundBy)
    if let copy { how += ", \(copy) copy" }
    if stale { how += ", possibly stale" }
    if namedBy == .inferred { how += ", inferred" }
    if unowned == true, !stale { how += ", no process" }
    if complete == false { how += ", not all counted" }
    return [
      root.description, nameCell(name), pid.map(String.init) ?? "-", scheme, ByteText.rounded(userBytes),
      ByteText.rounded(residentBytes), ByteText.rounded(proportionalBytes),
      ByteText.rounded(privateBytes), swappedBytes.map { ByteText.rounded($0) } ?? "-", "\(tables)",
      "\(ownTables)", how, users,
    ]
  }

  /// The command, and the other users of the space, in a few words.
  private var users: String {
    if pid == nil {
      return processes.isEmpty ? "" : "\(processes.count) kernel thread\(processes.count == 1 ? "" : "s")"
    }
    var notes: [String] = []
    let others = otherProcesses(processes)
    if !others.isEmpty { notes.append(others) }
    if let threads, threads > processes.count { notes.append("\(threads) threads") }
    let note = notes.isEmpty ? "" : "(" + notes.joined(separator: "; ") + ")"
    guard let command else { return note }
    let words = printable(command.joined(separator: " "))
    let limit = 60
    let shown = CellText.fitted(String(words.unicodeScalars.prefix(4 * limit)), to: limit, ellipsis: " ..")
    return note.isEmpty ? shown : shown + " " + note
  }
}

/// The users of a space besides the process that gave it its name: `also helper 9`; empty where there are none.
package func otherProcesses(_ processes: [SpaceProcess]) -> String {
  let more = processes.dropFirst()
  guard !more.isEmpty else { return "" }
  let named = more.prefix(3).map { ($0.name.isEmpty ? "" : nameCell($0.name) + " ") + "\($0.pid)" }
    .joined(separator: ", ")
  return "also " + named + (more.count > 3 ? " and \(more.count - 3) more" : "")
}
