import MemoryImages
import PageTables

/// The operating systems whose software marks are known.
enum MarkingSystem {
  case linux, windows

  func marks(of scheme: PagingScheme) -> [SoftwareMark]? {
    switch self {
    case .linux: LinuxEntryLayout.marks(of: scheme)
    case .windows: WindowsMarks.marks(of: scheme)
    }
  }
}

extension PagingScheme {
  /// The same scheme with a system's marks; without marks where the system is not known to use the scheme.
  func marked(by system: MarkingSystem) -> PagingScheme {
    guard let marks = system.marks(of: self), marks != self.marks else { return self }
    return keeping(marks)
  }
}

extension FoundSpaces {
  /// The spaces, with the marks of the system that they belong to; spaces that share a scheme continue to share it.
  ///
  /// - Parameter isOf: which of them belong to that system; all by default.
  func marked(by system: MarkingSystem, where isOf: (FoundSpace) -> Bool = { _ in true }) -> FoundSpaces {
    var result = self
    var schemes: [String: (plain: PagingScheme, marked: PagingScheme)] = [:]
    for index in spaces.indices where isOf(spaces[index]) {
      result.spaces[index].space.mapSchemes { scheme in
        let known = schemes[scheme.name].flatMap { $0.plain == scheme ? $0.marked : nil }
        let marked = known ?? scheme.marked(by: system)
        schemes[scheme.name] = (scheme, marked)
        return marked
      }
    }
    return result
  }
}

extension SpaceSearch {
  /// The spaces, with the marks of their system if that can be recognized without reading the whole guest: by
  /// Linux's own note, by names that a guest gave, or by the way Windows maps its tables.
  func marked(_ found: FoundSpaces) -> FoundSpaces {
    let isLinux =
      image.vmcoreinfo.flatMap { Vmcoreinfo($0) } != nil || image.capture?.regionLines.isEmpty == false
      || found.spaces.contains { $0.namedBy != nil }
    if isLinux { return found.marked(by: .linux) }
    let windows = WindowsRoot(memory: image.memory)
    return found.spaces.contains { windows.isWindows($0.space) } ? found.marked(by: .windows) : found
  }

  /// A space with the marks of its guest, which may have been read after the space was found.
  package func marked(_ found: FoundSpace, by guest: LinuxGuest) -> FoundSpace {
    guard guest.mayOwn(found) else { return found }
    var marked = found
    marked.space.mapSchemes { $0.marked(by: .linux) }
    return marked
  }
}
