import MemoryImages
import PageTables

/// What a memory answers for one address: the bytes of the page, or why there are none.
func answer(_ image: MemoryImage, _ address: UInt64) -> Result<[UInt8], MissingPage> {
  do throws(MissingPage) {
    return .success(
      try image.memory.withPage(at: PhysicalAddress(address)) { page in page.withUnsafeBytes { Array($0) } })
  } catch {
    return .failure(error)
  }
}

/// The error that opening a file gives, nil when it opens.
func openingError(_ path: String, options: SourceOptions = SourceOptions()) -> ImageError? {
  do throws(ImageError) {
    _ = try MemoryImage.open(path, options: options)
    return nil
  } catch {
    return error
  }
}

func range(_ start: UInt64, _ end: UInt64) -> PhysicalRange {
  PhysicalRange(PhysicalAddress(start), PhysicalAddress(end))
}

extension ImageError {
  /// The problem and file offset of a corrupt file.
  var corruption: (offset: UInt64, problem: String)? {
    if case .corrupt(_, let offset, let problem) = self { return (offset, problem) }
    return nil
  }
}
