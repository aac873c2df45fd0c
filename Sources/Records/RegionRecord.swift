import Guests
import PageTables

/// A region of a space, as `pagewalk regions` lists it.
package struct RegionRecord: Record {
  package struct Pages: Codable, Hashable, Sendable {
    package let pageSize: UInt64
    package let bytes: UInt64
  }

  /// The id of the space: its root.
  package let space: Hex
  package let spaceName: String
  package let pid: Int?
  package let va: Hex
  /// Bytes; saturating at 2^64 - 1.
  package let length: UInt64
  /// `user`, the part of the kernel, or `unlisted`: mapped, but in no region that the guest knows.
  package let kind: String
  /// As in `/proc/PID/maps`; empty for anonymous memory. For the kernel: the module, or what requested the memory.
  package let name: String
  /// The permissions requested from `mmap`, such as `rw-p`; nil for the kernel's.
  package let permissions: String?
  /// Where in its file the region starts.
  package let fileOffset: UInt64?
  /// Bytes that the processor can reach; bytes in swap space according to their entries; bytes whose entries keep
  /// something else; bytes without any of these.
  package let present: UInt64
  package let swapped: UInt64
  package let marked: UInt64
  package let absent: UInt64
  /// The present bytes by the size of their pages.
  package let pages: [Pages]
  /// Tables that are not in the dump: what they map counts as absent.
  package let missingTables: UInt64?
  /// False where the tables map more than could be counted.
  package let complete: Bool?

  package init(_ counted: CountedRegion, space: AddressSpace, pid: Int?) {
    let contents = counted.contents
    self.space = Hex(space.root)
    spaceName = space.name
    self.pid = pid
    va = Hex(counted.first)
    length = counted.length == 0 ? .max : counted.length
    switch counted.region?.kind {
    case .user: kind = "user"
    case .kernel(let part): kind = part.rawValue
    case nil: kind = "unlisted"
    }
    name = counted.region?.name ?? ""
    permissions = counted.region?.permissions
    fileOffset = counted.region?.fileOffset
    present = contents.present
    swapped = contents.swapped
    marked = contents.marked
    let used = present &+ swapped &+ marked
    absent = used < length ? length - used : 0
    pages = contents.pages.map { Pages(pageSize: $0.pageSize, bytes: $0.bytes) }
    missingTables = contents.missingTables > 0 ? contents.missingTables : nil
    complete = contents.isComplete ? nil : false
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("pid", pid)
    json.field("va", va)
    json.field("length", length)
    json.field("kind", kind)
    json.field("name", name)
    if let permissions { json.field("permissions", permissions) }
    if let fileOffset { json.field("fileOffset", fileOffset) }
    json.field("present", present)
    json.field("swapped", swapped)
    json.field("marked", marked)
    json.field("absent", absent)
    json.field("pages", pages) { json, pages in
      json.field("pageSize", pages.pageSize)
      json.field("bytes", pages.bytes)
    }
    if let missingTables { json.field("missingTables", missingTables) }
    if let complete { json.field("complete", complete) }
  }

  package static var columns: [Column] {
    [
      Column("VIRTUAL ADDRESS", width: 18), Column("LENGTH", width: 6, rightAligned: true),
      Column("PERM", width: 4), Column("PRESENT", width: 7, rightAligned: true),
      Column("ABSENT", width: 6, rightAligned: true), Column("SWAPPED", width: 7, rightAligned: true),
      Column("MARKED", width: 6, rightAligned: true), Column("PAGES", width: 5, rightAligned: true),
      Column("OFFSET", width: 8, rightAligned: true), Column("REGION", width: 10),
    ]
  }

  package var cells: [String] {
    func amount(_ bytes: UInt64) -> String { bytes == 0 ? "-" : ByteText.rounded(bytes) }
    var title = name
    switch kind {
    case "user": if name.isEmpty { title = "anonymous" }
    case "unlisted": title = "in no region"
    default: title = name.isEmpty ? kind : "\(kind) \(name)"
    }
    title = printable(title)
    if let missingTables { title += " (\(missingTables) tables not in the dump)" }
    if complete == false { title += " (not all counted)" }
    return [
      va.description, length == .max ? "all" : ByteText.rounded(length), permissions ?? "-", amount(present),
      amount(absent), amount(swapped), amount(marked),
      pages.isEmpty ? "-" : pages.map { ByteText.rounded($0.pageSize) }.joined(separator: ","),
      fileOffset.map { AddressText.hex($0) } ?? "-", title,
    ]
  }
}
