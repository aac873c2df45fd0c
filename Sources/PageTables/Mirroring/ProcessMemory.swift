/// The memory of one process of a small kernel: its tables, and the book of what is mapped in its user land
/// (`ProcessMemory` of SunriseOS).
public struct ProcessMemory: Sendable {
  /// The process's tables.
  public let space: AddressSpace
  /// The memory that they lie in.
  public let memory: any WritableMemory
  /// What is mapped in user land, and what is reserved.
  public private(set) var book: MappingBook
  /// The mark of guard pages, by its name in the scheme.
  private let guardMark: String

  init(space: AddressSpace, book: MappingBook, guardMark: String, in memory: any WritableMemory) {
    self.space = space
    self.memory = memory
    self.book = book
    self.guardMark = guardMark
  }

  /// Maps a mapping: its frames with `access`, or guard marks. One without frames that is reserved is kept free; one
  /// that is available changes nothing.
  ///
  /// - Throws: `LandError` where it does not lie in user land as a whole, any of it is taken, or the tables cannot be
  ///   written; nothing is changed then.
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

  /// Keeps a mapping that is in the tables already: one that came with a table of another process.
  mutating func keep(_ mapping: Mapping) throws(LandError) { try book.add(mapping) }

  /// Takes a mapping away, in whole; the frames stay with whoever else holds them.
  ///
  /// - Returns: the mapping.
  /// - Throws: `LandError` where none has just this address and length, or the tables cannot be written; nothing is
  ///   changed then.
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

  /// Mirrors a range of user land into kernel land, by its address: the mapping that has it is looked up, with its
  /// frames (`mirror_mapping`).
  ///
  /// - Parameters:
  ///   - address: the first byte; need not be aligned.
  ///   - length: bytes; the mapping has to have all of them.
  /// - Throws: `MirrorError`: outside user land, not mapped, and all that `CrossProcessMapping.mirror` throws, owned
  ///   frames among it; nothing is changed then.
  public func mirror(
    _ address: VirtualAddress, length: UInt64, in land: KernelLand
  ) throws(MirrorError) -> CrossProcessMapping {
    guard book.land.contains(address) else { throw .outsideUserLand(address) }
    guard let mapping = book.mapping(at: address) else { throw .notMapped(address) }
    return try CrossProcessMapping.mirror(
      mapping, offset: address.value - mapping.address.value, length: length, in: land)
  }

  /// What is in the way is said as the tables say it, where they do.
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
