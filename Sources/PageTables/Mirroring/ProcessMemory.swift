/// The memory of one process of a small kernel: its tables, and the book of the mappings in its user land
/// (`ProcessMemory` of SunriseOS).
public struct ProcessMemory: Sendable {
  /// The process's tables.
  public let space: AddressSpace
  /// The memory that holds the tables.
  public let memory: any WritableMemory
  /// The mappings in user land, and the reserved ranges.
  public private(set) var book: MappingBook
  /// The mark of guard pages, by its name in the scheme.
  private let guardMark: String

  init(space: AddressSpace, book: MappingBook, guardMark: String, in memory: any WritableMemory) {
    self.space = space
    self.memory = memory
    self.book = book
    self.guardMark = guardMark
  }

  /// Adds a mapping: maps its frames with `access`, or writes guard marks. A reserved mapping without frames is
  /// only recorded; an available one changes nothing.
  ///
  /// - Throws: `LandError` where the mapping does not lie completely in user land, overlaps another one, or the
  ///   tables cannot be written; nothing is changed then.
  public mutating func map(_ mapping: Mapping, access: Access) throws(LandError) {
    try checkPlace(of: mapping)
    do throws(WritingError) {
      switch mapping.frames {
      case .shared, .owned:
        try space.map(
          mapping.address, to: Array(mapping.mappedFrames), as: .basic(access), options: .userLand, in: memory
        )
      case .none(.guarded):
        try space.guardPages(
          mapping.address, length: mapping.length, mark: guardMark, options: .userLand, in: memory)
      case .none(.available): return
      case .none(.reserved): break
      }
    } catch {
      throw .writing(error)
    }
    try book.add(mapping)
  }

  /// Records a mapping that is already in the tables because it came with a table of another process.
  mutating func keep(_ mapping: Mapping) throws(LandError) { try book.add(mapping) }

  /// Removes a mapping as a whole; its frames stay as long as others hold them.
  ///
  /// - Returns: the mapping.
  /// - Throws: `LandError` where no mapping has exactly this address and length, or the tables cannot be written;
  ///   nothing is changed then.
  @discardableResult
  public mutating func unmap(_ address: VirtualAddress, length: UInt64) throws(LandError) -> Mapping {
    let mapping = try book.mapping(at: address, length: length)
    if case .none(.reserved) = mapping.frames {
      book.remove(mapping)
      return mapping
    }
    do throws(WritingError) {
      try space.unmap(address, length: length, options: .userLand, in: memory)
    } catch {
      throw .writing(error)
    }
    book.remove(mapping)
    return mapping
  }

  /// Mirrors a range of user land into kernel land: looks up the mapping at the address, and its frames
  /// (`mirror_mapping`).
  ///
  /// - Parameters:
  ///   - address: the first byte; need not be aligned.
  ///   - length: bytes; must lie in one mapping.
  /// - Throws: `MirrorError`: outside user land, not mapped, and everything that `CrossProcessMapping.mirror`
  ///   throws, such as for owned frames; nothing is changed then.
  public func mirror(
    _ address: VirtualAddress, length: UInt64, in land: KernelLand
  ) throws(MirrorError) -> CrossProcessMapping {
    guard book.land.contains(address) else { throw .outsideUserLand(address) }
    guard let mapping = book.mapping(at: address) else { throw .notMapped(address) }
    return try CrossProcessMapping.mirror(
      mapping, offset: address.value - mapping.address.value, length: length, in: land)
  }

  /// Checks that a mapping's place is free. Where the tables show the conflict, their error is thrown.
  private func checkPlace(of mapping: Mapping) throws(LandError) {
    do throws(LandError) {
      try book.check(mapping)
    } catch {
      if case .taken(let address) = error,
        let kind = space.translate(address, in: memory).steps.last?.kind, kind == .leaf || kind == .marked
      {
        throw .writing(.occupied(address, kind))
      }
      throw error
    }
  }
}
