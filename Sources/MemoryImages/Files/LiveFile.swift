import PageTables

/// Where a range of physical memory lies in a file.
package struct FilePlace: Hashable, Sendable {
  package var range: PhysicalRange
  package var offset: UInt64

  package init(range: PhysicalRange, offset: UInt64) {
    self.range = range
    self.offset = offset
  }
}

/// The memory of a machine that runs and keeps it in a shared file: mapped, so that each read sees what the machine
/// has just written.
///
/// - Throws: `ImageError` when the file cannot be mapped; places outside of it count as missing memory.
package func liveFileMemory(_ path: String, places: [FilePlace]) throws(ImageError) -> any PhysicalMemory {
  let file = try MappedFile(path: path)
  let claims = places.map { place in
    SegmentClaim(
      physical: place.range.start.value, memorySize: place.range.length, fileOffset: place.offset,
      fileSize: place.range.length)
  }
  let table = SegmentTable(claims, fileSize: file.count)
  return SegmentedMemory(file, table, isLive: true)
}
