import PageTables

/// Opens a file of raw memory: consecutive bytes without headers, except for the holes that `options` list.
func rawImage(
  _ file: consuming MappedFile, path: String, options: SourceOptions
) throws(ImageError) -> MemoryImage {
  guard options.base % Frame.size == 0 else {
    throw .unsupported(
      path, feature: "--base \(AddressText.hex(options.base)) is not a multiple of a page, 0x1000")
  }
  for hole in options.holes where (hole.start.value | hole.end.value) % Frame.size != 0 {
    let text = "\(AddressText.hex(hole.start.value))..\(AddressText.hex(hole.end.value))"
    throw .unsupported(
      path, feature: "--hole \(text) does not begin and end with a page, a multiple of 0x1000")
  }
  var options = options
  let told = options.describesRaw ? nil : DeviceTree(ofAllMemoryIn: file)
  if let memory = told?.memory, let first = memory.first {
    options.base = first.start.value
    options.holes = zip(memory, memory.dropFirst()).compactMap { below, above in
      below.end < above.start ? PhysicalRange(below.end, above.start) : nil
    }
  }
  var holes = options.holes
  if let below = options.layoutPC {
    let fourGiB: UInt64 = 1 << 32
    guard below > 0, below <= fourGiB, below % Frame.size == 0 else {
      throw .unsupported(
        path, feature: "--layout pc:SIZE wants the RAM below 4 GiB: whole pages, at most 4 GiB, such as 2G")
    }
    holes.append(PhysicalRange(PhysicalAddress(below), PhysicalAddress(fourGiB)))
  }

  var claims: [SegmentClaim] = []
  var position = options.base
  var offset: UInt64 = 0
  func claim(until end: UInt64, fileSize: UInt64) {
    let length = min(fileSize - offset, end - position)
    claims.append(
      SegmentClaim(physical: position, memorySize: length, fileOffset: offset, fileSize: length))
    offset += length
  }
  for hole in PhysicalRanges(holes).ranges where hole.end.value > position && offset < file.count {
    if hole.start.value > position { claim(until: hole.start.value, fileSize: file.count) }
    position = hole.end.value
  }
  claim(until: .max, fileSize: file.count)

  let table = SegmentTable(claims, fileSize: file.count)
  var warnings = table.warnings
  if told != nil, options.describesRaw {
    let base = AddressText.hex(options.base)
    warnings.append("RAM lies from \(base) on, as the machine's device tree in it says")
  }
  if offset < file.count {
    warnings.append("\(pageCount(file.count - offset)) lie past the highest address; left out")
  }
  if file.count % Frame.size != 0 {
    warnings.append("the file ends within a page; its last \(file.count % Frame.size) bytes are left out")
  }
  guard !table.extent.readable.ranges.isEmpty else {
    throw .unsupported(
      path,
      feature: file.count < Frame.size
        ? "is smaller than a page of memory, 4096 bytes"
        : "has no page below the highest address, with --base, --hole or --layout as they are")
  }
  return MemoryImage(
    memory: SegmentedMemory(file, table), format: "raw", name: path, machine: nil, notes: ElfNotes(),
    warnings: warnings)
}
