extension AddressSpace {
  /// Mirrors a range of user pages, found in a foreign memory, into kernel land. Huge pages contribute their 4 KiB
  /// frames; whole pages are mapped.
  ///
  /// - Parameters:
  ///   - virtual: the first byte; need not be aligned.
  ///   - land: where the mirror may lie; the upper half of this space by default.
  /// - Throws: `MirrorError` for a hole, a supervisor page, a frame that is not memory of the machine, and
  ///   everything that `CrossProcessMapping.mirror` throws; nothing is changed then.
  public func mirror(
    _ virtual: VirtualAddress, length: UInt64, in memory: any WritableMemory, land: KernelLand? = nil
  ) throws(MirrorError) -> CrossProcessMapping {
    guard length > 0 else { throw .empty }
    guard let number = window(of: virtual), windows[number].canSpan(virtual, length: length) else {
      throw .outsideAddressSpace(virtual)
    }
    let offset = virtual.value & (Frame.size - 1)
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, end <= .max - (Frame.size - 1) else { throw .overflows(offset: offset, length: length) }
    let pages = (end + (Frame.size - 1)) / Frame.size
    let extent = memory.extent
    // A hostile space may map one frame over and over.
    let limit = PhysicalRanges(extent.physical.ranges + extent.dumped.ranges).length / Frame.size
    guard pages <= limit else { throw .tooLong(pages: pages, limit: limit) }
    let start = VirtualAddress(virtual.value &- offset)
    var frames: [Frame] = []
    for page in 0..<pages {
      frames.append(try userFrame(at: start.advanced(by: page &* Frame.size), in: memory, extent))
    }
    let mapping: Mapping
    do throws(MappingError) {
      mapping = try Mapping(
        address: start, length: pages * Frame.size, frames: .shared(FrameHold(holding: frames, in: memory)))
    } catch {
      throw .outsideAddressSpace(virtual)
    }
    return try CrossProcessMapping.mirror(
      mapping, offset: offset, length: length, in: land ?? KernelLand(upperHalfOf: self))
  }

  private func userFrame(
    at address: VirtualAddress, in memory: any WritableMemory, _ extent: MemoryExtent
  ) throws(MirrorError) -> Frame {
    guard let page = translate(address, in: memory).page else { throw .notMapped(address) }
    guard page.access.contains(.user) else { throw .supervisorOnly(address) }
    guard extent.physical.contains(page.physical) || extent.dumped.contains(page.physical) else {
      throw .noMemory(address, page.physical)
    }
    return page.physical.frame
  }
}
