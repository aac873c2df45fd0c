import PageTables

extension Explorer {
  /// Why the selection cannot be mirrored.
  var mirrorObstacle: String? {
    guard let row = selectedRow, row.isEntry, row.entryKind == .leaf else {
      return "select a mapped user page first"
    }
    guard row.access.contains(.user) else { return "only pages of user space can be mirrored" }
    guard case .userCopy(let kernelRoot) = tree.spaces[Int(row.space)].found.isolation else { return nil }
    let name = tree.spaces.first { $0.root == kernelRoot }?.label ?? Numbers.hex(kernelRoot)
    return "this is the user copy; the kernel works on its own: go to \(name) first"
  }

  /// Maps the selected pages into kernel land, or so many bytes from there on.
  mutating func mirror(_ text: String) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    let space = tree.spaces[Int(row.space)]
    let span = space.scheme(at: row.virtual).levels[Int(row.level)].span
    var length = span.multipliedReportingOverflow(by: UInt64(clamping: row.count)).partialValue
    if !text.isEmpty {
      guard let given = Self.bytes(text), given > 0 else {
        status = .error("'\(text)' is not a length: hexadecimal, or with K, M, G")
        return [.bell]
      }
      length = given
    }
    let pageSize = space.scheme(at: row.virtual).levels.last.map(\.span) ?? Frame.size
    let kernelVA: VirtualAddress
    let pages: UInt64
    do throws(MirrorError) {
      let mapping = try space.found.space.mirror(row.virtual, length: length, in: memory)
      kernelVA = mapping.address
      // Whole pages are mapped, whatever was asked for.
      pages = (length - 1) / pageSize + 1
      length = pages &* pageSize
      overlay.add(
        mapping,
        OverlayState.Made(space: space.id, userVA: row.virtual, kernelVA: kernelVA, length: length))
    } catch {
      status = .error("\(error)")
      return [.bell]
    }
    let work = memoryChanged()
    remember()
    go(to: kernelVA, inSpace: Int(row.space))
    status = .note(
      "mirrored \(ByteText.exact(length)), \(pages == 1 ? "1 page" : "\(pages) pages"), of \(space.label) at "
        + "\(Numbers.grouped(kernelVA, in: space.scheme(at: kernelVA))), on an overlay; :unmirror drops it"
    )
    return work
  }

  /// Drops the only mirror, or the selected one of the list, which is shown when there are several.
  mutating func unmirror() -> [ExplorerWork] {
    let chosen = screenID == .overlays ? list?.selectedRow : nil
    guard overlay.made.count == 1 || chosen != nil else {
      lists[.overlays] = nil
      Screen.overlays.fill(&self)
      screenID = .overlays
      status = .note("choose the mirror to drop, then D")
      return []
    }
    let dropped = overlay.made[chosen ?? 0]
    let space = tree.spaces.first { $0.id == dropped.space }
    let name = space.map { Numbers.grouped(dropped.kernelVA, in: $0.scheme) } ?? ""
    overlay.drop(chosen ?? 0)
    let work = memoryChanged()
    if overlay.made.isEmpty {
      lists[.overlays] = nil
      if screenID == .overlays { screenID = .tree }
    } else {
      lists[.overlays]?.replace(.overlays(overlay.made, tree.spaces), selecting: nil)
    }
    status = .note("the mirror at \(name) is dropped")
    return work
  }

  /// Reads the tree anew and has the spaces indexed again.
  private mutating func memoryChanged() -> [ExplorerWork] {
    keepingSelection { $0.refresh() }
    follow(.tables)
    dropIndex()
    follow(.index)
    return startIndexing()
  }

  /// `10000` in hex, or `64K`, `2M`, `1G`.
  private static func bytes(_ text: String) -> UInt64? {
    // A number of exabytes is not meant in hex.
    if text.last == "E", text.dropLast().allSatisfy(\.isNumber) { return nil }
    return ByteText.parse(text) ?? AddressText.parse(text)
  }
}
