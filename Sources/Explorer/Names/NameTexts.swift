import Canvas
import Guests
import PageTables

extension FrameUse {
  /// For people: `page cache of /bin/sh at 0x3000`. Untrusted text made visible.
  var title: String {
    var text =
      kind == .reserved
      ? "reserved (kernel image or firmware)" : kind.rawValue.split(separator: "-").joined(separator: " ")
    if let detail { text += (kind == .pageCache ? " of " : " ") + CellText.visible(detail) }
    if let fileOffset { text += " at \(Numbers.hex(fileOffset))" }
    return text
  }

  /// What the descriptor says besides; nil where it says nothing.
  var remarks: String? {
    var parts: [String] = []
    if let mapCount { parts.append(mapCount == 1 ? "mapped once" : "mapped \(mapCount) times") }
    if let references { parts.append(references == 1 ? "1 reference" : "\(references) references") }
    if !flags.isEmpty { parts.append(flags.map(CellText.visible).joined(separator: " ")) }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}

extension EntryMeaning {
  /// The flags that are set, by their names; nil where none is.
  var bitNames: String? {
    let names = bits.filter { $0.width == 1 && $0.value != 0 }.map(\.name)
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }
}

extension KernelSymbols.Place {
  /// `name+0x1f`, without the distance where there is none. Untrusted text made visible.
  var title: String { CellText.visible(name) + (offset == 0 ? "" : "+\(Numbers.hex(offset))") }
}

extension NamedRegion {
  /// The title in at most so many cells: of a path, its last parts say most, behind a mark for what was left out.
  /// Untrusted text made visible.
  func title(fitting room: Int) -> String {
    let whole = CellText.visible(title)
    guard CellText.width(of: whole) > room, name.hasPrefix("/") else {
      return CellText.fitted(whole, to: room)
    }
    let parts = name.split(separator: "/")
    guard parts.count > 1 else { return CellText.fitted(whole, to: room) }
    func end(_ count: Int) -> String {
      CellText.visible("../" + parts.suffix(count).joined(separator: "/"))
    }
    var count = 1
    while count + 1 < parts.count, CellText.width(of: end(count + 1)) <= room { count += 1 }
    return CellText.fitted(end(count), to: room)
  }

  /// Whether it is a part of the kernel that symbols name better.
  var hasSymbols: Bool {
    switch kind {
    // Where addresses have 32 bits, the kernel itself lies in the direct map.
    case .kernel(.directMap), .kernel(.image), .kernel(.text), .kernel(.readOnlyData), .kernel(.data),
      .kernel(.initialization), .kernel(.zeroedData), .kernel(.module):
      true
    default: false
    }
  }
}

extension RegionContents {
  /// Bytes for which an entry that is not present keeps something.
  var kept: UInt64 { swapped &+ marked }

  /// What of so many bytes has no entry at all.
  func absent(of length: UInt64) -> UInt64 { length &- min(length, present &+ kept) }
}

extension FoundSpace.NameOrigin {
  /// For people.
  var title: String {
    switch self {
    case .tasks: "the guest's tasks"
    case .inferred: "the guest's tasks, inferred"
    case .symbols: "the kernel's symbols"
    }
  }
}
